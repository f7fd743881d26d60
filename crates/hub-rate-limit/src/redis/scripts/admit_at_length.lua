-- The same for a request that is not let in at a glance.
for number, owner in ipairs(owners) do owner.rules = read_rules(ARGV[10 + 2 * number]) end
check_buckets(named_counters(owners))
local is_known = true
answer = { 'in' }
for _, owner in ipairs(owners) do
  owner.is_known = follow_owner(owner, now, KEYS[2])
  is_known = is_known and owner.is_known
end
if not is_known then
  answer[1] = 'unknown'
  for number, owner in ipairs(owners) do
    answer[number + 1] = owner.is_known and {} or ask_for(owner, now, tonumber(ARGV[3]))
  end
  return write_all(answer)
end

-- May it pass each rule? The rule of `Standing::judge`.
for number, owner in ipairs(owners) do
  local sums = sums_of(held, names[number])
  local told = { told_amount(sums[1], sums[2]), told_amount(sums[3], sums[4]) }
  for place, rule in ipairs(owner.rules) do
    local c = owner.counters[rule.slot]
    local uh, ul = used(c, now)
    local rh, rl, ah, al = sums[1], sums[2], mh, ml
    if rule.slot == RPM then
      rh, rl, ah, al = 0, 0, 0, 1
    elseif rule.slot == TOKENS then
      rh, rl, ah, al = sums[3], sums[4], th, tl
    end
    local passes = is_less(uh, ul, rule.hi, rule.lo)
    if passes and (is_strict or rh ~= 0 or rl ~= 0) then
      local sh, sl = plus(uh, ul, rh, rl)
      sh, sl = plus(sh, sl, ah, al)
      passes = not is_less(rule.hi, rule.lo, sh, sl)
    end
    local gh, gl = 0, 0
    if not passes then
      answer[1] = 'out'
      -- As far as the buckets have to go for the request to pass alone.
      gh, gl = minus(rule.hi, rule.lo, 0, 1)
      if is_strict then
        local fh, fl = minus(rule.hi, rule.lo, ah, al)
        if is_less(fh, fl, gh, gl) then gh, gl = fh, fl end
      end
    end
    told[place + 2] = standing(c, rule, now, not passes, gh, gl)
  end
  answer[number + 1] = told
end
if answer[1] == 'in' then let_in() end
return write_all(answer)
