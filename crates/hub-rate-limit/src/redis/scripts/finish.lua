-- A request has ended, or an attempt is charged; or a request was let in without Redis.
-- KEYS: the reservations, the charges that are in already (a sorted set: name -> when), then the keys of each
-- owner that pays.
-- ARGV: now, lifetime of an owner, request whose reservation is dropped or '', name of the charge or '', money,
-- tokens, how many charges are remembered, and for how long. Then, for a request that was let in: the time to
-- live of its reservation, how much longer it is kept, and the names of the owners there.
local now, lifetime, request, name = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local held, done = KEYS[1], KEYS[2]
if ARGV[9] then
  lapse(held, now)
  -- It may have been let in here, too, by a script whose answer did not arrive.
  if redis.call('HEXISTS', held, request) == 1 or redis.call('ZSCORE', done, name) then return 0 end
  local names = {}
  for number = 1, (#KEYS - 2) / 5 do
    names[number] = ARGV[10 + number]
    local owner = read_owner(5 * number - 2)
    local rpm = owner.counters['rpm']
    if rpm and not charge(rpm, now, 0, 1) then lose(owner, rpm) end
    write_owner(owner, lifetime)
  end
  local reservation = tonumber(ARGV[9])
  hold(held, request, now + reservation, names, ARGV[5], ARGV[6], text_of(reservation + tonumber(ARGV[10])))
  return 1
end
if request ~= '' then
  lapse(held, now)
  local text = redis.call('HGET', held, request)
  if text then drop(held, request, text) end
end
if name == '' then return 0 end
if redis.call('ZADD', done, 'NX', ARGV[1], name) == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', done, 0, -1 - tonumber(ARGV[7]))
redis.call('PEXPIRE', done, ARGV[8])
local mh, ml = amount_of(ARGV[5])
local th, tl = amount_of(ARGV[6])
for place = 3, #KEYS, 5 do
  -- Who has no counters has them read from the ledger when they are needed, this charge included.
  local owner = read_owner(place)
  for slot, counter in pairs(owner.counters) do
    local hi, lo = mh, ml
    if slot == 'tokens' then hi, lo = th, tl end
    if slot ~= 'rpm' and not charge(counter, now, hi, lo) then lose(owner, counter) end
  end
  write_owner(owner, lifetime)
end
return 1
