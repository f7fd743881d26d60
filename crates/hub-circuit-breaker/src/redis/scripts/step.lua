-- One event of one breaker: the machine of step.rs, after the merging of merge.rs, in one go. Random histories
-- hold them together. Times are milliseconds; all numbers are whole and far below 2^53.
-- KEYS: the breaker's hash.
-- ARGV: event or '' for none, the end of the trial's lease or 0, now, failure threshold, how long it stays open,
-- success threshold, how long a trial's lease is, how long the hash is kept.
-- Then what the caller knows of the breaker: '' for nothing, 'newer' if it counts only where its last change is the
-- newer one, 'join' if it is to be merged; and the six fields.
-- Returns the six fields before the event (after the merging), then the six after it.
local FIELDS = {'state', 'failure_count', 'opened_at', 'half_open_successes', 'trial_until', 'changed_at'}
local CAUTION = {['closed'] = 0, ['half-open'] = 1, ['open'] = 2}
local MOST_COUNT, MOST = 4294967295, 9007199254740991

local function whole(text, most)
  local number = tonumber(text)
  if not number or number ~= number or number < 0 then return 0 end
  return math.min(math.floor(number), most)
end

local function state_of(values, from)
  local state = {phase = values[from]}
  if not CAUTION[state.phase] then state.phase = 'closed' end
  state.failures = whole(values[from + 1], MOST_COUNT)
  state.opened_at = whole(values[from + 2], MOST)
  state.successes = whole(values[from + 3], MOST_COUNT)
  state.trial_until = whole(values[from + 4], MOST)
  state.changed_at = whole(values[from + 5], MOST)
  return state
end

local function values_of(state)
  local values = {state.phase}
  for at, number in ipairs({state.failures, state.opened_at, state.successes, state.trial_until, state.changed_at}) do
    values[at + 1] = string.format('%.0f', number)
  end
  return values
end

local function is_same(one, other)
  for at = 1, #FIELDS do
    if one[at] ~= other[at] then return false end
  end
  return true
end

local event, token, now = ARGV[1], whole(ARGV[2], MOST), tonumber(ARGV[3])
local threshold, open_ms, enough = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local lease, kept = tonumber(ARGV[7]), ARGV[8]

local stored = redis.call('HMGET', KEYS[1], unpack(FIELDS))
local state = state_of(stored, 1)

local mode = ARGV[9]
if mode ~= '' then
  local known = state_of(ARGV, 10)
  if known.changed_at > state.changed_at then
    state = known
  elseif mode == 'join' and known.changed_at == state.changed_at then
    if CAUTION[known.phase] > CAUTION[state.phase] then
      state = known
    elseif known.phase == state.phase then
      for name, value in pairs(known) do
        if name ~= 'phase' then state[name] = math.max(state[name], value) end
      end
    end
  end
end
local before = values_of(state)

local function change(at)
  state.changed_at = math.max(at, state.changed_at + 1)
end

local function close()
  state.phase, state.failures, state.opened_at = 'closed', 0, 0
  state.successes, state.trial_until = 0, 0
  change(now)
end

local function open()
  state.phase, state.failures = 'open', math.min(state.failures + 1, MOST_COUNT)
  state.opened_at, state.successes, state.trial_until = now, 0, 0
  change(now)
end

local function half_open(at)
  state.phase, state.successes, state.trial_until = 'half-open', 0, 0
  change(at)
end

local function release()
  if state.trial_until == token then state.trial_until = 0 end
end

-- What time did.
if event ~= '' then
  if threshold == 0 then
    if state.phase == 'closed' then state.failures = 0 else close() end
  elseif state.phase == 'open' and now >= state.opened_at + open_ms then
    half_open(state.opened_at + open_ms)
  end
end

-- What the event does.
if event == 'reset' then
  close()
elseif state.phase == 'closed' then
  if event == 'success' then
    state.failures = 0
  elseif event == 'failure' and threshold > 0 then
    if state.failures + 1 >= threshold then open() else state.failures = state.failures + 1 end
  end
elseif state.phase == 'open' then
  if event == 'probe' then half_open(now) end
elseif event == 'failure' then
  open()
elseif event == 'success' then
  local successes = math.min(state.successes + 1, MOST_COUNT)
  if successes >= enough then
    close()
  else
    state.successes = successes
    release()
  end
elseif event == 'take' then
  if state.trial_until <= now then state.trial_until = now + lease end
elseif event == 'give' then
  release()
end

local after = values_of(state)
-- A breaker that was never heard of, and is as such, needs no key.
local was = stored[1] and values_of(state_of(stored, 1)) or values_of(state_of({}, 1))
if not is_same(after, was) then
  local fields = {}
  for at, name in ipairs(FIELDS) do
    fields[2 * at - 1], fields[2 * at] = name, after[at]
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], kept)
end
for at = 1, #FIELDS do before[#FIELDS + at] = after[at] end
return before
