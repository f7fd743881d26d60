-- Counts a session at a provider that may have only so many. Those that no longer count stay in the set until
-- `keep_from`: their bindings may outlast them, and are found by it.
-- KEYS: the provider's set. ARGV: session, now, cutoff, keep_from, limit, seconds that the set lasts.
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not (score and tonumber(score) > tonumber(ARGV[3])) then
  if redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[3], '+inf') >= tonumber(ARGV[5]) then
    return 0
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 1
