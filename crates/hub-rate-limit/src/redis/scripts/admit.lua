-- Lets a request in, or does not.
-- KEYS: the user's reservations, the charges that are in already, then the keys of each owner with limits.
-- ARGV: now, lifetime of an owner, time to answer a question, request, is the budget strict, money, tokens,
-- time to live of a reservation, its lifetime, most reservations; of each owner its name and rules.
-- Answers {'in', of each owner what is reserved (money, tokens) and how its rules stand}, {'out', the same},
-- {'again'} for a request that has a reservation, {'many'}, or {'unknown', of each owner its question}.
local now, lifetime, is_strict = tonumber(ARGV[1]), ARGV[2], ARGV[5] == '1'
local owners, names = read_owners(3), {}
for number, owner in ipairs(owners) do
  owner.rules, names[number] = read_rules(ARGV[10 + 2 * number]), ARGV[9 + 2 * number]
end

local held = read_held(KEYS[1], now, ARGV[4], names)
if held.request or held.count >= tonumber(ARGV[10]) then
  write_held(held)
  return { held.request and 'again' or 'many' }
end

check_buckets(named_counters(owners))
local answer, is_known = { 'in' }, true
for _, owner in ipairs(owners) do
  owner.is_known = follow_owner(owner, now, KEYS[2])
  is_known = is_known and owner.is_known
end
if not is_known then
  answer[1] = 'unknown'
  for number, owner in ipairs(owners) do
    answer[number + 1] = owner.is_known and {} or ask_for(owner, now, tonumber(ARGV[3]))
    write_owner(owner, lifetime)
  end
  write_held(held)
  return answer
end

-- May it pass each rule? The rule of `Standing::judge`.
local mh, ml = amount_of(ARGV[6])
local th, tl = amount_of(ARGV[7])
for number, owner in ipairs(owners) do
  local sums, rules = sums_of(held, names[number]), owner.rules
  local told = { told_amount(sums[1], sums[2]), told_amount(sums[3], sums[4]) }
  for place, rule in ipairs(rules) do
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

if answer[1] == 'in' then
  for _, owner in ipairs(owners) do
    local rpm = counter_of(owner, RPM)
    if rpm and not charge(rpm, now, 0, 1) then lose(rpm) end
  end
  hold(held, now + tonumber(ARGV[8]), names, mh, ml, th, tl)
end
write_held(held, ARGV[9])
for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
return answer
