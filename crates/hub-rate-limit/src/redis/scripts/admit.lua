-- Lets a request in, or does not.
-- KEYS: the user's reservations, the charges that are in already, then the keys of each owner with limits.
-- ARGV: now, lifetime of an owner, time to answer a question, request, is the budget strict, money, tokens,
-- time to live of a reservation, its lifetime, most reservations; of each owner its name and rules.
-- Answers {'in', of each owner what is reserved (money, tokens) and how its rules stand}, {'out', the same},
-- {'again'} for a request that has a reservation, {'many'}, or {'unknown', of each owner its question}.
local now, lifetime, is_strict = tonumber(ARGV[1]), ARGV[2], ARGV[5] == '1'
local mh, ml = amount_of(ARGV[6])
local th, tl = amount_of(ARGV[7])
local owners, names = read_owners(3), {}
for number in ipairs(owners) do names[number] = ARGV[9 + 2 * number] end

local held = read_held(KEYS[1], now, ARGV[4], names)
if held.request or held.count >= tonumber(ARGV[10]) then
  write_held(held, now)
  return { held.request and 'again' or 'many' }
end

local function let_in()
  for _, owner in ipairs(owners) do
    local rpm = counter_of(owner, RPM)
    if rpm and not slide(rpm, now, 0, 1) then lose(rpm) end
  end
  hold(held, now + tonumber(ARGV[8]), names, mh, ml, th, tl)
end

local function write_all(answer)
  write_held(held, now, ARGV[9])
  for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
  return answer
end

local function glance_at_all()
  local answer, keys = { 'in' }, {}
  for number, owner in ipairs(owners) do
    local sums = sums_of(held, names[number])
    local told = { told_amount(sums[1], sums[2]), told_amount(sums[3], sums[4]) }
    -- A lone request may be larger than what is left, unless the budget is strict.
    local money, tokens = { plus(sums[1], sums[2], mh, ml) }, { plus(sums[3], sums[4], th, tl) }
    money[3] = is_strict or sums[1] ~= 0 or sums[2] ~= 0
    tokens[3] = is_strict or sums[3] ~= 0 or sums[4] ~= 0
    if not glance(owner, ARGV[10 + 2 * number], now, money, tokens, told, keys) then return nil end
    answer[number + 1] = told
  end
  return are_there(keys) and answer
end

local answer = glance_at_all()
if answer then
  let_in()
  return write_all(answer)
end
