-- Counters: the rules of src/counter.rs, over what Redis keeps.
--
-- A counter is a record in its owner's text, at the place of its slot: whether it is there (1) and still pending
-- (2), floor, start, till, last, since, sum, edge. It counts charges from `since` on; while it is pending, what
-- was before is still to come from the ledger. Buckets of a sliding counter, and what an anchored one collects
-- while it is pending, are a hash: first moment -> amount. The edge is a moment that no bucket is before; of an
-- anchored one, the first moment of the latest.
local RECORD, RECORD_BYTES = '<BddddddI4d', 61
-- By slot: sliding are the first three, one is anchored, three go by the calendar, two are totals.
local RPM, SLIDING, ANCHORED, CALENDAR, TOKENS = 1, 3, 4, 7, 9
local SPAN = { 60000, 18000000, 86400000, 18000000 }
local GRAIN = { 1000, 60000, 60000, 0 }
-- How much longer than they count buckets stay.
local SLACK = 3600000
-- So many buckets are asked for by name; when it could be more, all are read.
local FEW = 64

local function read_counter(text, place, slot, key)
  local state, floor, start, till, last, since, hi, lo, edge = unpacked(RECORD, text, place)
  return {
    slot = slot, key = key, floor = floor, start = start, till = till, last = last, since = since,
    pending = state == 2, hi = hi, lo = lo, edge = edge, changed = false, lost = false, renewed = false,
  }
end

local function record_of(c)
  return pack(RECORD, c.pending and 2 or 1, c.floor, c.start, c.till, c.last, c.since, c.hi, c.lo, c.edge)
end

local function clear(c)
  c.hi, c.lo, c.edge, c.changed = 0, 0, FOREVER, true
  if c.key then call('DEL', c.key) end
  if c.slot == ANCHORED then c.till = NEVER end
end

-- Buckets of a sliding counter from one first moment to another, by time: first moment, amount, and so on.
local function buckets_of(c, from, till)
  local grain, found = GRAIN[c.slot], {}
  if till - from < FEW * grain then
    if till < from then return found end
    local names = {}
    for bucket = from, till, grain do names[#names + 1] = text_of('%d', bucket) end
    for number, amount in ipairs(call('HMGET', c.key, unpack(names))) do
      if amount then found[#found + 1], found[#found + 2] = names[number], amount end
    end
    return found
  end
  local all, moments, places = call('HGETALL', c.key), {}, {}
  for at = 1, #all, 2 do
    local moment = tonumber(all[at])
    if moment >= from and moment <= till then
      moments[#moments + 1], places[moment] = moment, at
    end
  end
  if #moments > 1 then table.sort(moments) end
  for _, moment in ipairs(moments) do
    local at = places[moment]
    found[#found + 1], found[#found + 2] = all[at], all[at + 1]
  end
  return found
end

-- Forgets the buckets that begin at that moment or before.
local function prune(c, latest)
  latest = latest - latest % GRAIN[c.slot]
  local old, names = buckets_of(c, c.edge, latest), {}
  local was_full = c.hi == MOST_HI and c.lo == MOST_LO
  for at = 1, #old, 2 do
    local hi, lo = amount_of(old[at + 1])
    c.hi, c.lo = minus(c.hi, c.lo, hi, lo)
    names[#names + 1] = old[at]
  end
  if #names > 0 then call('HDEL', c.key, unpack(names)) end
  if was_full and #names > 0 then
    c.hi, c.lo = 0, 0
    for _, amount in ipairs(call('HVALS', c.key)) do
      local hi, lo = amount_of(amount)
      c.hi, c.lo = bounded(plus(c.hi, c.lo, hi, lo))
    end
  end
  c.edge, c.changed = latest + GRAIN[c.slot], true
end

-- Forgets the buckets whose last moment is a span old. False: they were lost, and the sum means nothing.
local function age(c, now)
  if c.hi == 0 and c.lo == 0 then return true end
  local span, grain = SPAN[c.slot], GRAIN[c.slot]
  if c.last + span + 2 * grain <= now then
    -- All of them; they may have left Redis by themselves.
    clear(c)
    return true
  end
  if c.lost then return false end
  if c.edge <= now - span - grain then prune(c, now - span - grain) end
  return true
end

-- Notes which sliding counters have lost their buckets: those have a sum, and nothing that it is made of.
local function check_buckets(counters)
  local keys, whose = {}, {}
  for _, c in ipairs(counters) do
    if c.slot <= SLIDING and (c.hi ~= 0 or c.lo ~= 0) then keys[#keys + 1], whose[#keys + 1] = c.key, c end
  end
  if #keys == 0 or call('EXISTS', unpack(keys)) == #keys then return end
  for _, c in ipairs(whose) do c.lost = call('EXISTS', c.key) == 0 end
end

-- Adds to the bucket that begins then. Redis adds itself, unless that could be too much for a number of 64 bits.
local function add_to_bucket(c, bucket, hi, lo, is_small)
  local name = text_of('%d', bucket)
  if is_small then
    call('HINCRBY', c.key, name, text_of_amount(hi, lo))
  else
    local bh, bl = amount_of(call('HGET', c.key, name) or '0')
    call('HSET', c.key, name, text_of_amount(bounded(plus(bh, bl, hi, lo))))
  end
end

local function fill(c, at, hi, lo)
  local grain = GRAIN[c.slot]
  local bucket, was_empty = at - at % grain, c.hi == 0 and c.lo == 0
  if was_empty or math.floor(at / RENEWAL) ~= math.floor(c.last / RENEWAL) then c.renewed = true end
  if was_empty or bucket < c.edge then c.edge = bucket end
  c.hi, c.lo = bounded(plus(c.hi, c.lo, hi, lo))
  add_to_bucket(c, bucket, hi, lo, c.hi < MOST_HI)
end

-- Counts a charge in a sliding counter, unless a reset or the ledger's answer covers it. False: the counter has
-- lost its buckets.
local function slide(c, at, hi, lo)
  if at < c.floor or at < c.since then return true end
  if not age(c, at) then return false end
  fill(c, at, hi, lo)
  if at > c.last then c.last = at end
  c.changed = true
  return true
end
