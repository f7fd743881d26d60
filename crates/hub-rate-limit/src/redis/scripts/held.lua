-- Reservations of a user's requests in flight: one hash. A request's field: expires, money, tokens, and owners
-- after that. '$': none expires before that moment; how many there are; when the time to live began. '$owner': the
-- sums of what is reserved there.
local META, SUMS, HELD, HELD_BYTES = '<ddd', '<dI4dI4', '<ddI4dI4', 32

local function sums_of(held, name)
  local sums = held.sums[name]
  if not sums then
    local text = held.count > 0 and call('HGET', held.key, '$' .. name)
    sums = text and { unpacked(SUMS, text) } or { 0, 0, 0, 0 }
    held.sums[name] = sums
  end
  return sums
end

local function drop(held, request, text)
  held.changed, held.count = true, held.count - 1
  if request == held.asked then held.request = false end
  if held.count <= 0 then
    call('DEL', held.key)
    held.count, held.due, held.begun, held.sums, held.is_new = 0, FOREVER, NEVER, {}, {}
    return
  end
  call('HDEL', held.key, request)
  local _, mh, ml, th, tl = unpacked(HELD, text)
  for name in string.gmatch(string.sub(text, HELD_BYTES + 1), '[^,]+') do
    local sums = sums_of(held, name)
    sums[1], sums[2] = minus(sums[1], sums[2], mh, ml)
    sums[3], sums[4] = minus(sums[3], sums[4], th, tl)
    held.is_new[name] = true
  end
end

-- Drops the reservations whose time is over.
local function lapse(held, now)
  local fields, first = call('HGETALL', held.key), FOREVER
  for at = 1, #fields, 2 do
    local name, text = fields[at], fields[at + 1]
    if string.sub(name, 1, 1) ~= '$' then
      local expires = unpacked('<d', text)
      if expires <= now then
        drop(held, name, text)
      else
        first = math.min(first, expires)
      end
    end
  end
  held.due, held.changed = first, true
end

-- What is reserved, as far as these owners are concerned, and what this request has reserved.
local function read_held(key, now, request, names)
  local fields = { '$', request }
  for number, name in ipairs(names) do fields[number + 2] = '$' .. name end
  local texts = call('HMGET', key, unpack(fields))
  local held = {
    key = key, asked = request, request = texts[2], due = FOREVER, count = 0, begun = NEVER, sums = {},
    is_new = {}, changed = false,
  }
  if not texts[1] then return held end
  held.due, held.count, held.begun = unpacked(META, texts[1])
  for number, name in ipairs(names) do
    local text = texts[number + 2]
    held.sums[name] = text and { unpacked(SUMS, text) } or { 0, 0, 0, 0 }
  end
  if now >= held.due then lapse(held, now) end
  return held
end

-- Writes what has changed. With a lifetime, it lasts that long from now on.
local function write_held(held, now, lifetime)
  if held.changed and held.count > 0 then
    if lifetime and (now < held.begun or now >= held.begun + RENEWAL) then held.begun, held.is_begun = now, true end
    local fields = { '$', pack(META, held.due, held.count, held.begun) }
    if held.record then fields[3], fields[4] = held.asked, held.record end
    for name in pairs(held.is_new) do
      local sums = held.sums[name]
      fields[#fields + 1] = '$' .. name
      fields[#fields + 1] = pack(SUMS, sums[1], sums[2], sums[3], sums[4])
    end
    call('HSET', held.key, unpack(fields))
    if held.is_begun then call('PEXPIRE', held.key, lifetime) end
  end
end

-- Reserves for the request that was asked about.
local function hold(held, expires, names, mh, ml, th, tl)
  held.record = pack(HELD, expires, mh, ml, th, tl) .. table.concat(names, ',')
  held.count, held.changed = held.count + 1, true
  if expires < held.due then held.due = expires end
  for _, name in ipairs(names) do
    local sums = sums_of(held, name)
    sums[1], sums[2] = plus(sums[1], sums[2], mh, ml)
    sums[3], sums[4] = plus(sums[3], sums[4], th, tl)
    held.is_new[name] = true
  end
end
