-- Numbers. A Lua number is a double: whole only up to 2^53, which is nine million dollars in nano-dollars. So
-- amounts are two numbers, billions and the rest (dollars and nano-dollars); as texts they are decimal digits.
-- None is below zero.
local BILLION = 1000000000
local MOST_HI, MOST_LO = 9223372036, 854775807

-- Most numbers come again and again: the first and the last moment, the beginnings of windows.
local texts = {}
local function text_of(whole)
  local text = texts[whole]
  if not text then
    text = string.format('%.0f', whole)
    texts[whole] = text
  end
  return text
end

local function amount_of(text)
  local length = #text
  if length <= 9 then return 0, tonumber(text) end
  return tonumber(string.sub(text, 1, length - 9)), tonumber(string.sub(text, length - 8))
end

local function text_of_amount(hi, lo)
  if hi == 0 then return text_of(lo) end
  return string.format('%.0f%09.0f', hi, lo)
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
  if is_less(MOST_HI, MOST_LO, hi, lo) then return MOST_HI, MOST_LO end
  return hi, lo
end
