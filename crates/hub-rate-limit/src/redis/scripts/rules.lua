-- Owners and their rules: what there is to do when a glance does not tell.

-- The rules in a text.
local function read_rules(text)
  local rules, place, slot, start, till, floor, hi, lo = {}, 1
  while place <= #text do
    slot, start, till, floor, hi, lo, place = unpacked(RULE, text, place)
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
  owner.lease, owner.changed = now + patience, true
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
