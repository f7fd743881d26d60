-- A request is still running. KEYS: the user's reservations. ARGV: now, request, time to live, lifetime.
local held, now = KEYS[1], tonumber(ARGV[1])
lapse(held, now)
local text = redis.call('HGET', held, ARGV[2])
if not text then return 0 end
local expires, rest = string.match(text, '^(%S+) (.+)$')
local later = math.max(tonumber(expires), now + tonumber(ARGV[3]))
redis.call('HSET', held, ARGV[2], text_of(later) .. ' ' .. rest)
redis.call('PEXPIRE', held, ARGV[4])
return 1
