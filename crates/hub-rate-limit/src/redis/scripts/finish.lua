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
    write_held(held)
    return 0
  end
  local owners, rpms = read_owners(3), {}
  for _, owner in ipairs(owners) do rpms[#rpms + 1] = counter_of(owner, RPM) or nil end
  check_buckets(rpms)
  for _, rpm in ipairs(rpms) do
    if not charge(rpm, now, 0, 1) then lose(rpm) end
  end
  for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
  hold(held, now + tonumber(ARGV[10]), names, mh, ml, th, tl)
  write_held(held, ARGV[11])
  return 1
end

if held then
  if held.request then drop(held, request, held.request) end
  write_held(held)
end
if name == '' or call('ZADD', KEYS[2], 'NX', ARGV[1], name) == 0 then return 0 end
call('ZREMRANGEBYRANK', KEYS[2], 0, ARGV[7])
call('PEXPIRE', KEYS[2], ARGV[8])
-- Who has no counters has them read from the ledger when they are needed, this charge included.
local owners = read_owners(3)
local counters = all_counters(owners)
check_buckets(counters)
for _, c in ipairs(counters) do
  local hi, lo = mh, ml
  if c.slot == TOKENS then hi, lo = th, tl end
  if c.slot ~= RPM and not charge(c, now, hi, lo) then lose(c) end
end
for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
return 1
