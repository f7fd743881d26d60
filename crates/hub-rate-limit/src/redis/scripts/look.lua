-- How the limits of an owner stand; nothing is booked.
-- KEYS: the charges that are in already, the reservations of its user (of a provider there are none), the owner's.
-- ARGV: now, lifetime of an owner, time to answer a question, the owner's name there or '', 1 for all buckets,
-- else 0 for what is needed to tell when a limit that is reached is one no more; the rules.
-- Answers {'in', what is reserved (money, tokens) and how its rules stand}, or {'unknown', its question}.
local now, name = tonumber(ARGV[1]), ARGV[4]
local owners, sums = read_owners(3), { 0, 0, 0, 0 }
local owner = owners[1]
owner.rules = read_rules(ARGV[6])
if name ~= '' then
  local held = read_held(KEYS[2], now, '', { name })
  write_held(held)
  sums = sums_of(held, name)
end
check_buckets(named_counters(owners))
local answer
if follow_owner(owner, now, KEYS[1]) then
  local told = { told_amount(sums[1], sums[2]), told_amount(sums[3], sums[4]) }
  for number, rule in ipairs(owner.rules) do
    local c, is_all, gh, gl = owner.counters[rule.slot], ARGV[5] == '1', 0, 0
    local is_reached = not is_less(c.hi, c.lo, rule.hi, rule.lo)
    if is_reached and not is_all then gh, gl = minus(rule.hi, rule.lo, 0, 1) end
    told[number + 2] = standing(c, rule, now, is_all or is_reached, gh, gl)
  end
  answer = { 'in', told }
else
  answer = { 'unknown', ask_for(owner, now, tonumber(ARGV[3])) }
end
write_owner(owner, ARGV[2])
return answer
