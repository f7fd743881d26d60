-- Counters: the rules of src/counter.rs, over what Redis keeps.
--
-- A counter is a field of its owner's hash, named by its slot: course (s sliding, a anchored, c calendar,
-- t total), span, grain, floor, start, till, last, since, pending, sum. It counts charges from `since` on; while
-- it is pending, what was before is still to come from the ledger. Buckets of a sliding counter, and what an
-- anchored one collects while it is pending, are a sorted set: first moment -> 'moment:amount'.
local NEVER, FOREVER = -9007199254740991, 9007199254740991
local MINUTE, WEEK = 60000, 604800000
-- How much longer than they count buckets stay.
local SLACK = 3600000

local function parse_counter(slot, text, key)
  local course, span, grain, floor, start, till, last, since, pending, sum = string.match(text,
    '(%a) (%d+) (%d+) (-?%d+) (-?%d+) (-?%d+) (-?%d+) (-?%d+) (%d) (%d+)')
  local hi, lo = amount_of(sum)
  local c = {
    slot = slot, key = key, course = course, span = tonumber(span), grain = tonumber(grain),
    floor = tonumber(floor), start = tonumber(start), till = tonumber(till), last = tonumber(last),
    since = tonumber(since), pending = pending == '1', hi = hi, lo = lo,
  }
  c.was = { c.floor, c.start, c.till, c.last, c.since, c.pending, hi, lo }
  return c
end

-- Is it other than it is in Redis?
local function has_changed(c)
  local was = c.was
  return not was or c.hi ~= was[7] or c.lo ~= was[8] or c.last ~= was[4] or c.start ~= was[2] or c.till ~= was[3]
    or c.floor ~= was[1] or c.since ~= was[5] or c.pending ~= was[6]
end

local function text_of_counter(c)
  return table.concat({
    c.course, text_of(c.span), text_of(c.grain), text_of(c.floor), text_of(c.start), text_of(c.till),
    text_of(c.last), text_of(c.since), c.pending and '1' or '0', text_of_amount(c.hi, c.lo),
  }, ' ')
end

-- Pending, and counting from then on. A reset that the old one knew is still known.
local function new_counter(rule, key, since, old)
  if key then redis.call('DEL', key) end
  local floor = old and math.max(old.floor, rule.floor) or rule.floor
  local start, till = NEVER, FOREVER
  if rule.course == 'c' then start, till = rule.start, rule.till end
  if rule.course == 'a' then till = NEVER end
  return {
    slot = rule.slot, key = key, course = rule.course, span = rule.span, grain = rule.grain,
    floor = floor, start = start, till = till, last = NEVER, since = since, pending = true, hi = 0, lo = 0,
  }
end

local function clear(c)
  c.hi, c.lo = 0, 0
  if c.key then redis.call('DEL', c.key) end
  if c.course == 'a' then c.till = NEVER end
end

local function bucket_amount(member)
  return amount_of(string.match(member, ':(%d+)$'))
end

-- Forgets the buckets whose last moment is a span old. False: they were lost, and the sum means nothing.
local function age(c, now)
  if c.hi == 0 and c.lo == 0 and c.last == NEVER then return true end
  if c.last + c.span + 2 * c.grain <= now then
    -- All of them; they may have left Redis by themselves.
    clear(c)
    return true
  end
  local oldest = text_of(now - c.span - c.grain)
  local old = redis.call('ZRANGEBYSCORE', c.key, '-inf', oldest)
  if #old > 0 then
    local was_full = c.hi == MOST_HI and c.lo == MOST_LO
    for _, member in ipairs(old) do
      local hi, lo = bucket_amount(member)
      c.hi, c.lo = minus(c.hi, c.lo, hi, lo)
    end
    redis.call('ZREMRANGEBYSCORE', c.key, '-inf', oldest)
    if was_full then
      c.hi, c.lo = 0, 0
      for _, member in ipairs(redis.call('ZRANGE', c.key, 0, -1)) do
        local hi, lo = bucket_amount(member)
        c.hi, c.lo = bounded(plus(c.hi, c.lo, hi, lo))
      end
    end
    return true
  end
  return (c.hi == 0 and c.lo == 0) or redis.call('EXISTS', c.key) == 1
end

local function put_bucket(c, bucket, hi, lo)
  redis.call('ZADD', c.key, text_of(bucket), text_of(bucket) .. ':' .. text_of_amount(hi, lo))
  redis.call('PEXPIRE', c.key, text_of(c.span + 2 * c.grain + SLACK))
end

-- Adds to the bucket that begins then, if it is there.
local function add_to_bucket(c, member, bucket, hi, lo)
  local bh, bl = bucket_amount(member)
  redis.call('ZREM', c.key, member)
  put_bucket(c, bucket, bounded(plus(bh, bl, hi, lo)))
end

local function fill(c, bucket, hi, lo)
  local there = redis.call('ZRANGEBYSCORE', c.key, text_of(bucket), text_of(bucket))[1]
  if there then
    add_to_bucket(c, there, bucket, hi, lo)
  else
    put_bucket(c, bucket, hi, lo)
  end
  c.hi, c.lo = bounded(plus(c.hi, c.lo, hi, lo))
end

-- Which window it falls into is known when the earlier ones are.
local function collect(c, at, hi, lo)
  local last = redis.call('ZREVRANGE', c.key, 0, 0, 'WITHSCORES')
  local first = tonumber(last[2] or NEVER)
  if last[1] and math.floor(first / MINUTE) >= math.floor(at / MINUTE) then
    add_to_bucket(c, last[1], first, hi, lo)
  else
    put_bucket(c, at, hi, lo)
  end
end

-- Counts a charge, unless it is nothing, its window is over, or a reset or the ledger's answer covers it. False:
-- the counter has lost its buckets.
local function charge(c, at, hi, lo)
  if (hi == 0 and lo == 0) or at < c.floor or at < c.since then return true end
  if c.course == 's' then
    if not age(c, at) then return false end
    fill(c, at - at % c.grain, hi, lo)
  elseif c.course == 'a' and c.pending then
    collect(c, at, hi, lo)
  elseif c.course == 'a' and at >= c.till then
    c.start, c.till, c.hi, c.lo = at, at + c.span, hi, lo
  else
    if c.course == 'c' then
      if at < c.start then return true end
      if at >= c.till then
        -- Where this window ends is told by the next admission.
        c.start, c.till, c.pending, c.hi, c.lo = c.till, FOREVER, false, 0, 0
      end
    end
    c.hi, c.lo = bounded(plus(c.hi, c.lo, hi, lo))
  end
  c.last = math.max(c.last, at)
  return true
end

local function turn(c, rule, now)
  if rule.start == c.start then
    c.till = rule.till
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
  if c.course == 'c' then return turn(c, rule, now) end
  if c.course == 's' then
    if not age(c, now) then return false end
    if c.pending and c.since + c.span + c.grain <= now then c.pending = false end
  end
  return true
end

-- From when on the ledger is read for it.
local function wanted_from(c)
  local from = NEVER
  if c.course == 's' then from = c.since - c.span - c.grain end
  if c.course == 'a' then from = c.since - WEEK end
  if c.course == 'c' then from = c.start end
  return math.max(from, c.floor)
end

-- What counts at this moment.
local function used(c, now)
  if c.course == 'a' and now >= c.till then return 0, 0 end
  return c.hi, c.lo
end
