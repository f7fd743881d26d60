-- Removes everything of the sessions bound to a provider, a slice of the provider's set at a time. Bindings and
-- all else of a slice go in one step. The names of the keys are made here, so it is not for a cluster.
-- KEYS: the provider's set. ARGV: the provider, the rank to begin at, how many to look at, then what keys a
-- session has besides its binding.
-- Answers how many were looked at, and which were removed.
local sessions = redis.call('ZRANGE', KEYS[1], ARGV[2], ARGV[2] + ARGV[3] - 1)
if #sessions == 0 then
  return {0}
end
local bindings = {}
for at, session in ipairs(sessions) do
  bindings[at] = 'session:' .. session .. ':provider'
end
local bound = redis.call('MGET', unpack(bindings))
local gone, keys, places = {#sessions}, {}, {}
local function leave(place, session)
  local leaving = places[place]
  if leaving then
    leaving[#leaving + 1] = session
  else
    places[place] = {session}
  end
end
for at, session in ipairs(sessions) do
  if bound[at] == ARGV[1] then
    gone[#gone + 1] = session
    keys[#keys + 1] = bindings[at]
    local prefix = 'session:' .. session .. ':'
    local info = redis.pcall('HMGET', prefix .. 'info', 'user', 'provider', 'slot')
    for name = 4, #ARGV do
      keys[#keys + 1] = prefix .. ARGV[name]
    end
    leave(KEYS[1], session)
    leave('global:active_sessions', session)
    local key = string.match(session, '^k(%d+)%.')
    if key then
      leave('key:' .. key .. ':active_sessions', session)
    end
    if info[1] then
      leave('user:' .. info[1] .. ':active_sessions', session)
    end
    for place = 2, 3 do
      if info[place] and info[place] ~= ARGV[1] then
        leave('provider:' .. info[place] .. ':active_sessions', session)
      end
    end
  end
end
for place, leaving in pairs(places) do
  redis.call('ZREM', place, unpack(leaving))
end
if #keys > 0 then
  redis.call('UNLINK', unpack(keys))
end
return gone
