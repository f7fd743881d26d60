-- Hands the entry of a conversation hash on to a branch, unless somebody else had it first.
-- KEYS: the entry. ARGV: whose it is, the branch, ms to live. 1 = handed on.
local current = redis.call('GET', KEYS[1])
if current and current ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
