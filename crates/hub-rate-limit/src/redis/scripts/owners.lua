-- Owners. KEYS holds five for each: the text with its counters, and the hashes of buckets of the four slots that
-- have any. The text: its layout's number, until when somebody asks the ledger, and the nine counters' places. One
-- of another layout is not there.
local SLOTS, HEAD, HEAD_BYTES, LAYOUT = 9, '<Bd', 9, 2
local OWNER_BYTES = HEAD_BYTES + SLOTS * RECORD_BYTES
local NO_RECORD = string.rep('\0', RECORD_BYTES)
-- A rule: slot, start, end, floor, limit.
local RULE = '<BddddI4'

local function key_of(place, slot)
  return slot <= ANCHORED and KEYS[place + slot] or nil
end

local function place_of(slot)
  return HEAD_BYTES + 1 + (slot - 1) * RECORD_BYTES
end

-- The owners at this place in KEYS and all after it.
local function read_owners(first)
  local keys, owners = {}, {}
  for place = first, #KEYS - 4, 5 do keys[#keys + 1] = KEYS[place] end
  if #keys == 0 then return owners end
  for number, text in ipairs(call('MGET', unpack(keys))) do
    local is_there = text and #text == OWNER_BYTES and string.byte(text) == LAYOUT
    local owner = {
      place = first + 5 * (number - 1), key = keys[number], text = text, is_there = is_there, counters = {},
      records = {}, lease = NEVER, changed = false,
    }
    if is_there then
      local _, lease = unpacked(HEAD, text)
      owner.lease = lease
    else
      owner.text = pack(HEAD, LAYOUT, NEVER) .. string.rep(NO_RECORD, SLOTS)
    end
    owners[number] = owner
  end
  return owners
end

-- The counter in a slot, if it is there.
local function counter_of(owner, slot)
  local c = owner.counters[slot]
  if c == nil then
    local place = place_of(slot)
    c = string.byte(owner.text, place) ~= 0 and read_counter(owner.text, place, slot, key_of(owner.place, slot))
    owner.counters[slot] = c
  end
  return c
end

-- Writes what has changed, for so long.
local function write_owner(owner, lifetime)
  local parts, from = {}, HEAD_BYTES + 1
  for slot = 1, SLOTS do
    local c, record = owner.counters[slot], owner.records[slot]
    if c and c.changed then
      record = c.gone and NO_RECORD or record_of(c)
      if c.renewed and not c.gone then
        call('PEXPIRE', c.key, text_of('%d', SPAN[slot] + 2 * GRAIN[slot] + SLACK))
      end
    end
    if record then
      local place = place_of(slot)
      if place > from then parts[#parts + 1] = string.sub(owner.text, from, place - 1) end
      parts[#parts + 1] = record
      from = place + RECORD_BYTES
    end
  end
  if #parts == 0 and not owner.changed then return end
  parts[#parts + 1] = string.sub(owner.text, from)
  call('SET', owner.key, pack(HEAD, LAYOUT, owner.lease) .. table.concat(parts), 'PX', lifetime)
end

-- The counter is to be asked for again.
local function lose(c)
  c.gone, c.changed = true, true
  if c.key then call('DEL', c.key) end
end

-- All that are there, of these owners.
local function all_counters(owners)
  local all = {}
  for _, owner in ipairs(owners) do
    for slot = 1, SLOTS do all[#all + 1] = counter_of(owner, slot) or nil end
  end
  return all
end
