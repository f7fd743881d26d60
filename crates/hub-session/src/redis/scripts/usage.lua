-- Adds to the numbers of a hash that never is without a time to live.
-- KEYS: the hash. ARGV: ms to live, then field, amount, field, amount.
for at = 2, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[at], ARGV[at + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
