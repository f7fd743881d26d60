-- Rules at a glance. Between two requests most windows neither turn nor lose a bucket, and most limits are not
-- reached; so no more is read than tells that.

-- Adds how an owner's rules stand, and the buckets that have to be there. False: there is more to do or to tell.
-- With what is to be reserved no rule may be exceeded if that is asked for: money and tokens each have a list of
-- amount and whether it has to fit.
local function glance(owner, rules, now, money, tokens, told, keys)
  local rpm = counter_of(owner, RPM)
  if rpm then
    -- Requests are counted even while there is no such rule.
    age(rpm, now)
    if rpm.hi ~= 0 or rpm.lo ~= 0 then keys[#keys + 1] = rpm.key end
  end
  local place, slot, rule_start, rule_till, rule_floor, limit_hi, limit_lo = 1
  while place <= #rules do
    slot, rule_start, rule_till, rule_floor, limit_hi, limit_lo, place = unpacked(RULE, rules, place)
    local state, floor, start, till, _, _, hi, lo, edge = unpacked(RECORD, owner.text, place_of(slot))
    if state ~= 1 or rule_floor > floor then return false end
    local answer, takes = nil, slot == TOKENS and tokens or money
    if slot == RPM then
      hi, lo, takes = rpm.hi, rpm.lo, nil
    elseif slot <= SLIDING then
      if edge <= now - SPAN[slot] - GRAIN[slot] then return false end
      if hi ~= 0 or lo ~= 0 then keys[#keys + 1] = KEYS[owner.place + slot] end
    elseif slot == ANCHORED then
      if now >= till then hi, lo = 0, 0 end
      if till ~= NEVER then answer = { told_amount(hi, lo), start, till } end
    elseif slot <= CALENDAR and (start ~= rule_start or till ~= rule_till) then
      return false
    end
    if not is_less(hi, lo, limit_hi, limit_lo) then return false end
    if takes and takes[3] then
      local all_hi, all_lo = plus(hi, lo, takes[1], takes[2])
      if is_less(limit_hi, limit_lo, all_hi, all_lo) then return false end
    end
    told[#told + 1] = answer or told_amount(hi, lo)
  end
  return true
end

local function are_there(keys)
  return #keys == 0 or call('EXISTS', unpack(keys)) == #keys
end
