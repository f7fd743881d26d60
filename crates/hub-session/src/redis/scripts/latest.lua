-- Notes a time, and never an earlier one than is known.
-- KEYS: the note. ARGV: the time, ms to live.
local known = tonumber(redis.call('GET', KEYS[1]) or '')
if known and known > tonumber(ARGV[1]) then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
