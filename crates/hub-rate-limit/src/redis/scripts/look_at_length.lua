-- The same for an owner that needs more than a glance.
owner.rules = read_rules(ARGV[6])
check_buckets(named_counters(owners))
local answer
if follow_owner(owner, now, KEYS[1]) then
  told = { told[1], told[2] }
  for number, rule in ipairs(owner.rules) do
    local c, gh, gl = owner.counters[rule.slot], 0, 0
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
