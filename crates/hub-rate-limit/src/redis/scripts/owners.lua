-- Owners. KEYS holds five for each: the hash of its counters, and the sets of buckets of the four slots that
-- have any.
local BUCKETS = { ['rpm'] = 1, ['5h_rolling'] = 2, ['day_rolling'] = 3, ['5h_fixed'] = 4 }
local LEASE = 'lease'

local function key_of(place, slot)
  local offset = BUCKETS[slot]
  return offset and KEYS[place + offset]
end

-- The owner at this place in KEYS.
local function read_owner(place)
  local owner = { place = place, hash = KEYS[place], counters = {}, lost = {}, lease = NEVER, old_lease = nil }
  local fields = redis.call('HGETALL', owner.hash)
  owner.is_there = #fields > 0
  for at = 1, #fields, 2 do
    if fields[at] == LEASE then
      owner.lease, owner.old_lease = tonumber(fields[at + 1]), fields[at + 1]
    else
      owner.counters[fields[at]] = parse_counter(fields[at], fields[at + 1], key_of(place, fields[at]))
    end
  end
  return owner
end

-- Writes what has changed.
local function write_owner(owner, lifetime)
  local fields = {}
  for slot, counter in pairs(owner.counters) do
    if has_changed(counter) then
      fields[#fields + 1] = slot
      fields[#fields + 1] = text_of_counter(counter)
    end
  end
  if owner.lease ~= NEVER and text_of(owner.lease) ~= owner.old_lease then
    fields[#fields + 1] = LEASE
    fields[#fields + 1] = text_of(owner.lease)
  end
  if #fields > 0 then redis.call('HSET', owner.hash, unpack(fields)) end
  if #owner.lost > 0 then redis.call('HDEL', owner.hash, unpack(owner.lost)) end
  if #fields > 0 or owner.is_there then redis.call('PEXPIRE', owner.hash, lifetime) end
end

-- The counter is to be asked for again.
local function lose(owner, counter)
  owner.counters[counter.slot] = nil
  owner.lost[#owner.lost + 1] = counter.slot
  if counter.key then redis.call('DEL', counter.key) end
end

-- The rules in a text: of each slot, course, span, grain, start, end, floor, limit.
local RULE = '(%S+) (%a) (%d+) (%d+) (-?%d+) (-?%d+) (-?%d+) (%d+)'
local function read_rules(text)
  local rules = {}
  for slot, course, span, grain, start, till, floor, limit in string.gmatch(text, RULE) do
    local hi, lo = amount_of(limit)
    rules[#rules + 1] = {
      slot = slot, course = course, span = tonumber(span), grain = tonumber(grain), start = tonumber(start),
      till = tonumber(till), floor = tonumber(floor), hi = hi, lo = lo,
    }
  end
  return rules
end

-- From when on a new counter counts. Charges that came while there was no counter are among those that are in,
-- and some of them may be later than this moment, as others' clocks differ and scripts overtake each other: the
-- ledger has to be asked for them, too. Only a clock that is far ahead is not believed.
local OVERTAKEN = 500
local function beginning(done, slot, now)
  if slot == 'rpm' then return now end
  local last = redis.call('ZREVRANGEBYSCORE', done, text_of(now + OVERTAKEN), text_of(now), 'WITHSCORES',
    'LIMIT', 0, 1)
  return last[2] and tonumber(last[2]) + 1 or now
end

-- Brings the counters up to this moment. Are all of them known?
local function follow_owner(owner, rules, now, done)
  local is_known = true
  for _, rule in ipairs(rules) do
    local counter = owner.counters[rule.slot]
    if not counter or not follow(counter, rule, now) then
      local since = beginning(done, rule.slot, now)
      counter = new_counter(rule, key_of(owner.place, rule.slot), since, counter)
      owner.counters[rule.slot] = counter
    end
    if counter.pending then is_known = false end
  end
  return is_known
end

-- What the ledger has to be asked for: slot, since when it counts itself, from when on, of each counter.
-- Nothing if somebody has been asked already; but not if that was in what has become the future, as a clock was
-- put back.
local function ask_for(owner, now, patience)
  local question = {}
  if owner.lease > now and owner.lease <= now + 2 * patience then return question end
  owner.lease = now + patience
  for slot, counter in pairs(owner.counters) do
    if counter.pending then
      question[#question + 1] = slot
      question[#question + 1] = text_of(counter.since)
      question[#question + 1] = text_of(wanted_from(counter))
    end
  end
  return question
end

-- How a rule stands: sum, reserved, start, end, and, if asked for, the buckets as far as they have to go for no
-- more than so much to be left.
local function standing(owner, rule, now, rh, rl, with_buckets, th, tl)
  local counter = owner.counters[rule.slot]
  local uh, ul = used(counter, now)
  local answer = {
    text_of_amount(uh, ul), text_of_amount(rh, rl), text_of(counter.start), text_of(counter.till),
  }
  if with_buckets and counter.course == 's' then
    local from = 0
    while true do
      local page = redis.call('ZRANGE', counter.key, from, from + 63)
      for _, member in ipairs(page) do
        answer[#answer + 1] = member
        local hi, lo = bucket_amount(member)
        uh, ul = minus(uh, ul, hi, lo)
        if not is_less(th, tl, uh, ul) then return answer end
      end
      if #page < 64 then return answer end
      from = from + 64
    end
  end
  return answer
end
