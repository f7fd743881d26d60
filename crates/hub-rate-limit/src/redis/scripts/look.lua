-- How the limits of an owner stand; nothing is booked.
-- KEYS: the owner's, the charges that are in already, then its user's reservations, if it has any.
-- ARGV: now, lifetime of an owner, time to answer a question, the owner's name there, 1 for all buckets, else
-- 0 for what is needed to tell when a limit that is reached is one no more; the rules.
-- Answers {'in', how its rules stand}, or {'unknown', its question}.
local now, lifetime, patience = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local owner, rules = read_owner(1), read_rules(ARGV[6])
local mh, ml, th, tl = 0, 0, 0, 0
if KEYS[7] then
  lapse(KEYS[7], now)
  mh, ml, th, tl = sums_of(KEYS[7], ARGV[4])
end
local answer
if follow_owner(owner, rules, now, KEYS[6]) then
  local standings = {}
  for number, rule in ipairs(rules) do
    local rh, rl = mh, ml
    if rule.slot == 'rpm' then rh, rl = 0, 0 end
    if rule.slot == 'tokens' then rh, rl = th, tl end
    local uh, ul = used(owner.counters[rule.slot], now)
    if ARGV[5] == '1' then
      standings[number] = standing(owner, rule, now, rh, rl, true, 0, 0)
    else
      local gh, gl = minus(rule.hi, rule.lo, 0, 1)
      standings[number] = standing(owner, rule, now, rh, rl, not is_less(uh, ul, rule.hi, rule.lo), gh, gl)
    end
  end
  answer = { 'in', standings }
else
  answer = { 'unknown', ask_for(owner, now, patience) }
end
write_owner(owner, lifetime)
return answer
