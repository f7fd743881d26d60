-- Adds to a number of requests in flight; it is never below zero.
-- KEYS: the counter. ARGV: 1 or -1, seconds that it lasts.
local running = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
if running >= 0 then
  redis.call('SET', KEYS[1], running, 'EX', ARGV[2])
end
return running
