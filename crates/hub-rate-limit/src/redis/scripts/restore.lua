-- The ledger's answer to a question. KEYS: the owner's.
-- ARGV: now, lifetime of an owner, the moment that was asked about; of each counter that was read slot, from when
-- on, is it one sum, and the charges in a text: when, how much.
local now, before = tonumber(ARGV[1]), tonumber(ARGV[3])
local owners = read_owners(1)
local owner = owners[1]
if not owner.is_there then return 0 end
check_buckets(all_counters(owners))
for at = 4, #ARGV, 4 do
  local c, from, is_sum = counter_of(owner, tonumber(ARGV[at])), tonumber(ARGV[at + 1]), ARGV[at + 2] == '1'
  if c and c.pending and c.since == before and wanted_from(c) == from then
    local past = {}
    for when, amount in string.gmatch(ARGV[at + 3], '(-?%d+) (%d+)') do
      local moment = tonumber(when)
      if moment < before then past[#past + 1] = { moment, amount_of(amount) } end
    end
    c.pending, c.since, c.changed = false, NEVER, true
    if c.slot == ANCHORED then
      -- What came in meanwhile follows what was before.
      local since, collected = {}, call('HGETALL', c.key)
      for place = 1, #collected, 2 do
        since[#since + 1] = { tonumber(collected[place]), amount_of(collected[place + 1]) }
      end
      table.sort(since, function(one, other) return one[1] < other[1] end)
      for _, one in ipairs(since) do past[#past + 1] = one end
      call('DEL', c.key)
      c.edge = FOREVER
    end
    local first = math.max(c.start, c.floor)
    for _, one in ipairs(past) do
      if not is_sum then
        charge(c, one[1], one[2], one[3])
      elseif before > first then
        -- A sum may hold charges up to the last moment.
        charge(c, math.max(first, before - 1), one[2], one[3])
      end
    end
    -- A charge from before that comes late is in the ledger's answer.
    c.since = before
  end
end
if owner.lease > now then owner.lease, owner.changed = now, true end
write_owner(owner, ARGV[2])
return 1
