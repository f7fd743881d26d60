-- Reservations of a user's requests in flight: one hash. A request's field: expires, owners, money, tokens.
-- 'next': none expires before that. 'count': how many. '$owner': the sums of what is reserved there.
local function sums_of(held, name)
  local text = redis.call('HGET', held, '$' .. name)
  if not text then return 0, 0, 0, 0 end
  local money, tokens = string.match(text, '(%d+) (%d+)')
  local mh, ml = amount_of(money)
  local th, tl = amount_of(tokens)
  return mh, ml, th, tl
end

local function write_sums(held, name, mh, ml, th, tl)
  redis.call('HSET', held, '$' .. name, text_of_amount(mh, ml) .. ' ' .. text_of_amount(th, tl))
end

local function drop(held, request, text)
  if redis.call('HINCRBY', held, 'count', -1) <= 0 then
    redis.call('DEL', held)
    return
  end
  redis.call('HDEL', held, request)
  local names, money, tokens = string.match(text, '^%S+ (%S+) (%d+) (%d+)$')
  local dmh, dml = amount_of(money)
  local dth, dtl = amount_of(tokens)
  for name in string.gmatch(names, '[^,]+') do
    local mh, ml, th, tl = sums_of(held, name)
    mh, ml = minus(mh, ml, dmh, dml)
    th, tl = minus(th, tl, dth, dtl)
    write_sums(held, name, mh, ml, th, tl)
  end
end

-- Drops the reservations whose time is over.
local function lapse(held, now)
  local due = redis.call('HGET', held, 'next')
  if not due or now < tonumber(due) then return end
  local fields, first = redis.call('HGETALL', held), FOREVER
  for at = 1, #fields, 2 do
    local name, text = fields[at], fields[at + 1]
    if name ~= 'next' and name ~= 'count' and string.sub(name, 1, 1) ~= '$' then
      local expires = tonumber(string.match(text, '^%S+'))
      if expires <= now then
        drop(held, name, text)
      else
        first = math.min(first, expires)
      end
    end
  end
  if first ~= FOREVER then redis.call('HSET', held, 'next', text_of(first)) end
end

local function hold(held, request, expires, names, money, tokens, lifetime)
  redis.call('HSET', held, request, table.concat({ text_of(expires), table.concat(names, ','), money, tokens }, ' '))
  redis.call('HINCRBY', held, 'count', 1)
  local due = redis.call('HGET', held, 'next')
  if not due or expires < tonumber(due) then redis.call('HSET', held, 'next', text_of(expires)) end
  local dmh, dml = amount_of(money)
  local dth, dtl = amount_of(tokens)
  for _, name in ipairs(names) do
    local mh, ml, th, tl = sums_of(held, name)
    mh, ml = plus(mh, ml, dmh, dml)
    th, tl = plus(th, tl, dth, dtl)
    write_sums(held, name, mh, ml, th, tl)
  end
  redis.call('PEXPIRE', held, lifetime)
end
