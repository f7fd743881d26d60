-- Numbers. A Lua number is a double: whole only up to 2^53, which is nine million dollars in nano-dollars. So
-- amounts are two numbers, billions and the rest (dollars and nano-dollars); as texts they are decimal digits.
-- None is below zero. Records are packed, as that is read and written many times faster than text.
local call, pack, unpacked, text_of = redis.call, struct.pack, struct.unpack, string.format
local NEVER, FOREVER = -9007199254740991, 9007199254740991
-- A time to live begins anew at most that often, in ms: it has an hour to spare.
local RENEWAL = 60000
local BILLION = 1000000000
local MOST_HI, MOST_LO = 9223372036, 854775807

local function amount_of(text)
  local length = #text
  if length <= 9 then return 0, tonumber(text) end
  return tonumber(string.sub(text, 1, length - 9)), tonumber(string.sub(text, length - 8))
end

local function text_of_amount(hi, lo)
  if hi == 0 then return text_of('%d', lo) end
  return text_of('%d%09d', hi, lo)
end

-- For an answer: a number as long as that is exact.
local function told_amount(hi, lo)
  if hi < 9007199 then return hi * BILLION + lo end
  return text_of('%d%09d', hi, lo)
end

local function plus(ah, al, bh, bl)
  local hi, lo = ah + bh, al + bl
  if lo >= BILLION then return hi + 1, lo - BILLION end
  return hi, lo
end

-- Nothing if there is less than that.
local function minus(ah, al, bh, bl)
  local hi, lo = ah - bh, al - bl
  if lo < 0 then hi, lo = hi - 1, lo + BILLION end
  if hi < 0 then return 0, 0 end
  return hi, lo
end

local function is_less(ah, al, bh, bl)
  return ah < bh or (ah == bh and al < bl)
end

-- No more than a signed number of 64 bits holds.
local function bounded(hi, lo)
  if hi > MOST_HI or (hi == MOST_HI and lo > MOST_LO) then return MOST_HI, MOST_LO end
  return hi, lo
end
