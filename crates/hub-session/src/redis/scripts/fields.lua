-- Sets fields of a hash that never is without a time to live.
-- KEYS: the hash. ARGV: ms to live, the start ('' = not known), then field, value, field, value.
if ARGV[2] ~= '' then
  redis.call('HSETNX', KEYS[1], 'start', ARGV[2])
end
for at = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
