-- A request has ended, or an attempt is charged; or a request was let in without Redis.
-- KEYS: the reservations, the charges that are in already (a sorted set: name -> when), then the keys of each
-- owner that pays.
-- ARGV: now, lifetime of an owner, request whose reservation is dropped or '', name of the charge or '', money,
-- tokens, how many charges are remembered, and for how long. Then the names of the owners at the reservations;
-- for a request that was let in, before them the time to live of its reservation and how long it is kept.
local now, lifetime, request, name = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local mh, ml = amount_of(ARGV[5])
local th, tl = amount_of(ARGV[6])
local is_let_in, names = ARGV[9] == 'in', {}
for at = is_let_in and 12 or 9, #ARGV do names[#names + 1] = ARGV[at] end
local held = request ~= '' and read_held(KEYS[1], now, request, names)

if is_let_in then
  -- It may have been let in here, too, by a script whose answer did not arrive.
  if held.request or call('ZSCORE', KEYS[2], name) then
    write_held(held, now)
    return 0
  end
  local owners, rpms = read_owners(3), {}
  for _, owner in ipairs(owners) do rpms[#rpms + 1] = counter_of(owner, RPM) or nil end
  check_buckets(rpms)
  for _, rpm in ipairs(rpms) do
    if not slide(rpm, now, 0, 1) then lose(rpm) end
  end
  for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
  hold(held, now + tonumber(ARGV[10]), names, mh, ml, th, tl)
  write_held(held, now, ARGV[11])
  return 1
end

if held then
  if held.request then drop(held, request, held.request) end
  write_held(held, now)
end
if name == '' or call('ZADD', KEYS[2], 'NX', ARGV[1], name) == 0 then return 0 end
call('ZREMRANGEBYRANK', KEYS[2], 0, ARGV[7])
call('PEXPIRE', KEYS[2], ARGV[8])

-- A counter's record after a charge to the window that it is about; nothing if it is not so plain.
local function charged(text, place, hi, lo)
  local state, floor, start, till, last, since, sum_hi, sum_lo, edge = unpacked(RECORD, text, place)
  if state ~= 1 or now < floor or now < since or now < start or now >= till then return nil end
  hi, lo = plus(sum_hi, sum_lo, hi, lo)
  if hi >= MOST_HI then return nil end
  return pack(RECORD, state, floor, start, till, math.max(now, last), since, hi, lo, edge)
end

-- Who has no counters has them read from the ledger when they are needed, this charge included.
local owners, sliding, others = read_owners(3), {}, {}
for _, owner in ipairs(owners) do
  for slot = RPM + 1, SLOTS do
    local hi, lo, place = mh, ml, place_of(slot)
    if slot == TOKENS then hi, lo = th, tl end
    if string.byte(owner.text, place) ~= 0 and (hi ~= 0 or lo ~= 0) then
      if slot <= SLIDING then
        sliding[#sliding + 1] = counter_of(owner, slot)
      else
        local record = charged(owner.text, place, hi, lo)
        owner.records[slot] = record
        if not record then others[#others + 1] = counter_of(owner, slot) end
      end
    end
  end
end
check_buckets(sliding)
for _, c in ipairs(sliding) do
  if not slide(c, now, mh, ml) then lose(c) end
end
if #others == 0 then
  for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
  return 1
end
