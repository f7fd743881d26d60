-- Removes a key if this is its value: a binding that leads to somebody else by now stays.
-- KEYS: the binding. ARGV: the value.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('UNLINK', KEYS[1])
end
return 0
