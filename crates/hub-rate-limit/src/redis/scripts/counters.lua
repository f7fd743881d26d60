-- Counters in all that may become of them: the rules of src/counter.rs.
local MINUTE, WEEK = 60000, 604800000

-- Pending, and counting from then on. A reset that the old one knew is still known.
local function new_counter(rule, key, since, old)
  if key then call('DEL', key) end
  local slot, start, till = rule.slot, NEVER, FOREVER
  if slot == ANCHORED then till = NEVER elseif slot > ANCHORED and slot <= CALENDAR then
    start, till = rule.start, rule.till
  end
  return {
    slot = slot, key = key, floor = old and math.max(old.floor, rule.floor) or rule.floor, start = start,
    till = till, last = NEVER, since = since, pending = true, hi = 0, lo = 0, edge = FOREVER, changed = true,
    lost = false, renewed = false,
  }
end

-- Which window it falls into is known when the earlier ones are.
local function collect(c, at, hi, lo)
  if c.edge == FOREVER or math.floor(c.edge / MINUTE) < math.floor(at / MINUTE) then c.edge = at end
  add_to_bucket(c, c.edge, hi, lo, false)
  c.renewed = true
end

-- Counts a charge, unless it is nothing, its window is over, or a reset or the ledger's answer covers it. False:
-- the counter has lost its buckets.
local function charge(c, at, hi, lo)
  if (hi == 0 and lo == 0) or at < c.floor or at < c.since then return true end
  local slot = c.slot
  if slot <= SLIDING then return slide(c, at, hi, lo) end
  if slot == ANCHORED and c.pending then
    collect(c, at, hi, lo)
  elseif slot == ANCHORED and at >= c.till then
    c.start, c.till, c.hi, c.lo = at, at + SPAN[slot], hi, lo
  else
    if slot > ANCHORED and slot <= CALENDAR then
      if at < c.start then return true end
      if at >= c.till then
        -- Where this window ends is told by the next admission.
        c.start, c.till, c.pending, c.hi, c.lo = c.till, FOREVER, false, 0, 0
      end
    end
    c.hi, c.lo = bounded(plus(c.hi, c.lo, hi, lo))
  end
  if at > c.last then c.last = at end
  c.changed = true
  return true
end

local function turn(c, rule, now)
  if rule.start == c.start then
    if rule.till ~= c.till then c.till, c.changed = rule.till, true end
    return true
  end
  -- Somebody with a faster clock has turned it already.
  if now < c.start then return true end
  local is_next = rule.start >= c.till
  local is_empty = not c.pending and rule.start > c.start and c.last < rule.start
  if is_next or is_empty then
    c.start, c.till, c.pending = rule.start, rule.till, false
    clear(c)
  end
  return is_next or is_empty
end

-- Turns the window if it is over. False: what is left can't be told, and the counter has to be made anew.
local function follow(c, rule, now)
  if rule.floor > c.floor then
    if c.last >= rule.floor or c.pending then return false end
    c.floor = rule.floor
    clear(c)
  end
  local slot = c.slot
  if slot <= SLIDING then
    if not age(c, now) then return false end
    if c.pending and c.since + SPAN[slot] + GRAIN[slot] <= now then c.pending, c.changed = false, true end
  elseif slot > ANCHORED and slot <= CALENDAR then
    return turn(c, rule, now)
  end
  return true
end

-- From when on the ledger is read for it.
local function wanted_from(c)
  local from, slot = NEVER, c.slot
  if slot <= SLIDING then
    from = c.since - SPAN[slot] - GRAIN[slot]
  elseif slot == ANCHORED then
    from = c.since - WEEK
  elseif slot <= CALENDAR then
    from = c.start
  end
  return math.max(from, c.floor)
end

-- What counts at this moment.
local function used(c, now)
  if c.slot == ANCHORED and now >= c.till then return 0, 0 end
  return c.hi, c.lo
end
