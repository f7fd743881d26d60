-- Notes in a sorted set when a session was seen, and forgets those that were seen too long ago.
-- KEYS: the set. ARGV: session, score, keep_from, seconds that the set lasts, 'new' to leave a known one alone.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if not (ARGV[5] == 'new' and redis.call('ZSCORE', KEYS[1], ARGV[1])) then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
