-- Lets a request in, or does not.
-- KEYS: the user's reservations, the charges that are in already, then the keys of each owner with limits.
-- ARGV: now, lifetime of an owner, time to answer a question, request, is the budget strict, money, tokens,
-- time to live of a reservation, most reservations, number of owners; of each its name and rules.
-- Answers {'in', of each owner how its rules stand}, {'out', the same}, {'again'} for a request that has a
-- reservation, {'many'}, or {'unknown', of each owner its question}.
local now, lifetime, patience = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local request, is_strict, money, tokens = ARGV[4], ARGV[5] == '1', ARGV[6], ARGV[7]
local held, reservation = KEYS[1], tonumber(ARGV[8])

lapse(held, now)
if redis.call('HEXISTS', held, request) == 1 then return { 'again' } end
if tonumber(redis.call('HGET', held, 'count') or 0) >= tonumber(ARGV[9]) then return { 'many' } end

local owners, is_known = {}, true
for number = 1, tonumber(ARGV[10]) do
  local owner = read_owner(5 * number - 2)
  owner.name, owner.rules = ARGV[9 + 2 * number], read_rules(ARGV[10 + 2 * number])
  owner.is_known = follow_owner(owner, owner.rules, now, KEYS[2])
  is_known = is_known and owner.is_known
  owners[number] = owner
end

local answer = { is_known and 'in' or 'unknown' }
if not is_known then
  for number, owner in ipairs(owners) do
    answer[number + 1] = owner.is_known and {} or ask_for(owner, now, patience)
    write_owner(owner, lifetime)
  end
  return answer
end

-- May it pass this rule? The rule of `Standing::judge`.
local mh, ml = amount_of(money)
local th, tl = amount_of(tokens)
local function passes(owner, rule)
  local uh, ul = used(owner.counters[rule.slot], now)
  if not is_less(uh, ul, rule.hi, rule.lo) then return false end
  local rh, rl, ah, al = owner.mh, owner.ml, mh, ml
  if rule.slot == 'rpm' then rh, rl, ah, al = 0, 0, 0, 1 end
  if rule.slot == 'tokens' then rh, rl, ah, al = owner.th, owner.tl, th, tl end
  local sh, sl = plus(uh, ul, rh, rl)
  sh, sl = plus(sh, sl, ah, al)
  if not is_less(rule.hi, rule.lo, sh, sl) then return true end
  return not is_strict and rh == 0 and rl == 0
end

for _, owner in ipairs(owners) do
  owner.mh, owner.ml, owner.th, owner.tl = sums_of(held, owner.name)
  owner.passes = {}
  for number, rule in ipairs(owner.rules) do
    owner.passes[number] = passes(owner, rule)
    if not owner.passes[number] then answer[1] = 'out' end
  end
end

for number, owner in ipairs(owners) do
  local rules = {}
  for place, rule in ipairs(owner.rules) do
    local rh, rl, ah, al = owner.mh, owner.ml, mh, ml
    if rule.slot == 'rpm' then rh, rl, ah, al = 0, 0, 0, 1 end
    if rule.slot == 'tokens' then rh, rl, ah, al = owner.th, owner.tl, th, tl end
    -- As far as the buckets have to go for the request to pass alone.
    local gh, gl = minus(rule.hi, rule.lo, 0, 1)
    if is_strict then
      local fh, fl = minus(rule.hi, rule.lo, ah, al)
      if is_less(fh, fl, gh, gl) then gh, gl = fh, fl end
    end
    rules[place] = standing(owner, rule, now, rh, rl, not owner.passes[place], gh, gl)
  end
  answer[number + 1] = rules
end

if answer[1] == 'in' then
  local names = {}
  for number, owner in ipairs(owners) do
    names[number] = owner.name
    local rpm = owner.counters['rpm']
    if rpm and not charge(rpm, now, 0, 1) then lose(owner, rpm) end
  end
  hold(held, request, now + reservation, names, money, tokens, text_of(reservation + SLACK))
end
for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
return answer
