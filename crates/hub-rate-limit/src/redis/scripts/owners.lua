-- Owners. KEYS holds five for each: the text with its counters, and the hashes of buckets of the four slots that
-- have any. The text: its layout's number, until when somebody asks the ledger, and the nine counters' places. One
-- of another layout is not there.
local SLOTS, HEAD, HEAD_BYTES, LAYOUT = 9, '<Bd', 9, 2
local OWNER_BYTES = HEAD_BYTES + SLOTS * RECORD_BYTES
local NO_RECORD = string.rep('\0', RECORD_BYTES)

local function key_of(place, slot)
  return slot <= ANCHORED and KEYS[place + slot] or nil
end

local function place_of(slot)
  return HEAD_BYTES + 1 + (slot - 1) * RECORD_BYTES
end

-- The owners at this place in KEYS and all after it.
local function read_owners(first)
  local keys, owners = {}, {}
  for place = first, #KEYS - 4, 5 do keys[#keys + 1] = KEYS[place] end
  if #keys == 0 then return owners end
  for number, text in ipairs(call('MGET', unpack(keys))) do
    local is_there = text and #text == OWNER_BYTES and string.byte(text) == LAYOUT
    local owner = {
      place = first + 5 * (number - 1), key = keys[number], text = text, is_there = is_there, counters = {},
      lease = NEVER, changed = false,
    }
    if is_there then
      local _, lease = unpacked(HEAD, text)
      owner.lease = lease
    else
      owner.text = pack(HEAD, LAYOUT, NEVER) .. string.rep(NO_RECORD, SLOTS)
    end
    owners[number] = owner
  end
  return owners
end

-- The counter in a slot, if it is there.
local function counter_of(owner, slot)
  local c = owner.counters[slot]
  if c == nil then
    local place = place_of(slot)
    c = string.byte(owner.text, place) ~= 0 and read_counter(owner.text, place, slot, key_of(owner.place, slot))
    owner.counters[slot] = c
  end
  return c
end

-- All that are there, of these owners.
local function all_counters(owners)
  local all = {}
  for _, owner in ipairs(owners) do
    for slot = 1, SLOTS do all[#all + 1] = counter_of(owner, slot) or nil end
  end
  return all
end

local function lend(owner, till)
  if till ~= owner.lease then owner.lease, owner.changed = till, true end
end

-- Writes what has changed, for so long.
local function write_owner(owner, lifetime)
  local parts, from = {}, HEAD_BYTES + 1
  for slot = 1, SLOTS do
    local c = owner.counters[slot]
    if c and c.changed then
      local place = place_of(slot)
      if place > from then parts[#parts + 1] = string.sub(owner.text, from, place - 1) end
      parts[#parts + 1] = c.gone and NO_RECORD or record_of(c)
      from = place + RECORD_BYTES
      if c.renewed and not c.gone then
        call('PEXPIRE', c.key, text_of('%d', SPAN[slot] + 2 * GRAIN[slot] + SLACK))
      end
    end
  end
  if #parts == 0 and not owner.changed then return end
  parts[#parts + 1] = string.sub(owner.text, from)
  call('SET', owner.key, pack(HEAD, LAYOUT, owner.lease) .. table.concat(parts), 'PX', lifetime)
end

-- The counter is to be asked for again.
local function lose(c)
  c.gone, c.changed = true, true
  if c.key then call('DEL', c.key) end
end

-- The rules in a text: of each slot, start, end, floor, limit.
local function read_rules(text)
  local rules, place, slot, start, till, floor, hi, lo = {}, 1
  while place <= #text do
    slot, start, till, floor, hi, lo, place = unpacked('<BddddI4', text, place)
    rules[#rules + 1] = { slot = slot, start = start, till = till, floor = floor, hi = hi, lo = lo }
  end
  return rules
end

-- Of owners with their rules, the counters that rules name, and requests per minute.
local function named_counters(owners)
  local named = {}
  for _, owner in ipairs(owners) do
    named[#named + 1] = counter_of(owner, RPM) or nil
    for _, rule in ipairs(owner.rules) do
      if rule.slot ~= RPM then named[#named + 1] = counter_of(owner, rule.slot) or nil end
    end
  end
  return named
end

-- From when on a new counter counts. Charges that came while there was no counter are among those that are in,
-- and some of them may be later than this moment, as others' clocks differ and scripts overtake each other: the
-- ledger has to be asked for them, too. Only a clock that is far ahead is not believed.
local OVERTAKEN = 500
local function beginning(done, slot, now)
  if slot == RPM then return now end
  local last = call('ZREVRANGEBYSCORE', done, text_of('%d', now + OVERTAKEN), text_of('%d', now), 'WITHSCORES',
    'LIMIT', 0, 1)
  return last[2] and tonumber(last[2]) + 1 or now
end

-- Brings the counters up to this moment. Are all of them known?
local function follow_owner(owner, now, done)
  local is_known = true
  for _, rule in ipairs(owner.rules) do
    local slot = rule.slot
    local c = counter_of(owner, slot)
    if not c or not follow(c, rule, now) then
      c = new_counter(rule, key_of(owner.place, slot), beginning(done, slot, now), c)
      owner.counters[slot] = c
    end
    if c.pending then is_known = false end
  end
  return is_known
end

-- What the ledger has to be asked for: slot, since when it counts itself, from when on, of each counter.
-- Nothing if somebody has been asked already; but not if that was in what has become the future, as a clock was
-- put back.
local function ask_for(owner, now, patience)
  local question = {}
  if owner.lease > now and owner.lease <= now + 2 * patience then return question end
  lend(owner, now + patience)
  for _, c in ipairs(all_counters({ owner })) do
    if c.pending then
      question[#question + 1], question[#question + 2], question[#question + 3] = c.slot, c.since, wanted_from(c)
    end
  end
  return question
end

-- How a rule stands: the sum; or a list of it, start and end if they are others than the rule's, and, if asked
-- for, the buckets as far as they have to go for no more than so much to be left.
local function standing(c, rule, now, with_buckets, gh, gl)
  local uh, ul = used(c, now)
  local slot, sum = c.slot, told_amount(uh, ul)
  if slot <= SLIDING then
    if not with_buckets then return sum end
    local answer, from, latest = { sum, c.start, c.till }, c.edge, c.last - c.last % GRAIN[slot]
    while from <= latest do
      -- The first few are enough as a rule.
      local till = math.min(latest, from + (FEW - 1) * GRAIN[slot])
      if from > c.edge then till = latest end
      local buckets = buckets_of(c, from, till)
      for at = 1, #buckets, 2 do
        answer[#answer + 1], answer[#answer + 2] = buckets[at], buckets[at + 1]
        local hi, lo = amount_of(buckets[at + 1])
        uh, ul = minus(uh, ul, hi, lo)
        if not is_less(gh, gl, uh, ul) then return answer end
      end
      from = till + GRAIN[slot]
    end
    return answer
  end
  local is_as_told = slot > CALENDAR or (c.start == rule.start and c.till == rule.till)
  if slot == ANCHORED then is_as_told = c.till == NEVER end
  return is_as_told and sum or { sum, c.start, c.till }
end
