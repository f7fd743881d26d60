-- Notes in a sorted set when a session was seen, never earlier than is known, and forgets those that were seen
-- too long ago.
-- KEYS: the set. ARGV: session, score, keep_from, seconds that the set lasts, 'known' to add nobody.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if known and tonumber(known) < tonumber(ARGV[2]) or not known and ARGV[5] ~= 'known' then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
