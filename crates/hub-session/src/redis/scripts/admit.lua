-- Counts a session in at every place whose limit is given, or at none of them.
-- KEYS: the places (sorted sets: session -> last seen), then, if there is one, the session's request counter.
-- ARGV: session, now, cutoff, seconds that a place lasts, seconds that the counter lasts, number of places,
-- their limits.
-- Answers {0, request number, was it new at a place} or {number of the full place, sessions there, oldest score}.
local session, now, cutoff = ARGV[1], ARGV[2], ARGV[3]
local places = tonumber(ARGV[6])
local new = 0
for place = 1, places do
  redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', cutoff)
  if not redis.call('ZSCORE', KEYS[place], session) then
    new = 1
    local current = redis.call('ZCARD', KEYS[place])
    if current >= tonumber(ARGV[6 + place]) then
      local oldest = redis.call('ZRANGE', KEYS[place], 0, 0, 'WITHSCORES')
      return {place, current, oldest[2]}
    end
  end
end
for place = 1, places do
  redis.call('ZADD', KEYS[place], now, session)
  redis.call('EXPIRE', KEYS[place], ARGV[4])
end
local number = 0
if KEYS[places + 1] then
  number = redis.call('INCR', KEYS[places + 1])
  redis.call('EXPIRE', KEYS[places + 1], ARGV[5])
end
return {0, number, new}
