-- How the limits of an owner stand; nothing is booked.
-- KEYS: the charges that are in already, the reservations of its user (of a provider there are none), the owner's.
-- ARGV: now, lifetime of an owner, time to answer a question, the owner's name there or '', 1 for all buckets,
-- else 0 for what is needed to tell when a limit that is reached is one no more; the rules.
-- Answers {'in', what is reserved (money, tokens) and how its rules stand}, or {'unknown', its question}.
local now, name, is_all = tonumber(ARGV[1]), ARGV[4], ARGV[5] == '1'
local owners, sums = read_owners(3), { 0, 0, 0, 0 }
local owner = owners[1]
if name ~= '' then
  local held = read_held(KEYS[2], now, '', { name })
  write_held(held, now)
  sums = sums_of(held, name)
end
local told, keys = { told_amount(sums[1], sums[2]), told_amount(sums[3], sums[4]) }, {}
if not is_all and glance(owner, ARGV[6], now, nil, nil, told, keys) and are_there(keys) then
  write_owner(owner, ARGV[2])
  return { 'in', told }
end
