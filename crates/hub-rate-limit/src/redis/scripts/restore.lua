-- The ledger's answer to a question. KEYS: the owner's.
-- ARGV: now, lifetime of an owner, the moment that was asked about; of each counter that was read slot, from when
-- on, is it one sum, and the charges in a text: when, how much.
local now, before = tonumber(ARGV[1]), tonumber(ARGV[3])
local owner = read_owner(1)
if not owner.is_there then return 0 end
for at = 4, #ARGV, 4 do
  local counter, from, is_sum = owner.counters[ARGV[at]], tonumber(ARGV[at + 1]), ARGV[at + 2] == '1'
  if counter and counter.pending and counter.since == before and wanted_from(counter) == from then
    local past = {}
    for when, amount in string.gmatch(ARGV[at + 3], '(-?%d+) (%d+)') do
      local moment = tonumber(when)
      if moment < before then past[#past + 1] = { moment, amount_of(amount) } end
    end
    counter.pending, counter.since = false, NEVER
    if counter.course == 'a' then
      -- What came in meanwhile follows what was before.
      for _, member in ipairs(redis.call('ZRANGE', counter.key, 0, -1)) do
        past[#past + 1] = { tonumber(string.match(member, '^-?%d+')), bucket_amount(member) }
      end
      redis.call('DEL', counter.key)
    end
    local first = math.max(counter.start, counter.floor)
    for _, one in ipairs(past) do
      if not is_sum then
        charge(counter, one[1], one[2], one[3])
      elseif before > first then
        -- A sum may hold charges up to the last moment.
        charge(counter, math.max(first, before - 1), one[2], one[3])
      end
    end
    -- A charge from before that comes late is in the ledger's answer.
    counter.since = before
  end
end
owner.lease = math.min(owner.lease, now)
write_owner(owner, ARGV[2])
return 1
