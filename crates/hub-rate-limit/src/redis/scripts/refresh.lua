-- A request is still running. KEYS: the user's reservations. ARGV: now, request, time to live, lifetime.
local now = tonumber(ARGV[1])
local held = read_held(KEYS[1], now, ARGV[2], {})
if not held.request then
  write_held(held, now)
  return 0
end
local expires, mh, ml, th, tl = unpacked(HELD, held.request)
local later = math.max(expires, now + tonumber(ARGV[3]))
held.record = pack(HELD, later, mh, ml, th, tl) .. string.sub(held.request, HELD_BYTES + 1)
held.changed = true
write_held(held, now, ARGV[4])
return 1
