-- Gives the entry of a conversation hash its whole time again once little is left of it.
-- KEYS: the entry. ARGV: ms of a whole time, ms that are little, the session to enter if there is no entry ('' = none).
local left = redis.call('PTTL', KEYS[1])
if left == -2 then
  if ARGV[3] ~= '' then
    redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[1])
  end
elseif left < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return left
