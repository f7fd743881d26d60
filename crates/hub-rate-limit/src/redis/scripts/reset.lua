-- Charges before a moment count no longer. KEYS: the owner's. ARGV: that moment, lifetime of an owner.
local at = tonumber(ARGV[1])
local owner = read_owner(1)
for slot, c in pairs(owner.counters) do
  if slot ~= 'rpm' and at > c.floor then
    if c.last < at and (not c.pending or c.since <= at) then
      c.floor, c.pending = at, false
      clear(c)
    else
      -- It is read from the ledger when it is needed.
      lose(owner, c)
    end
  end
end
write_owner(owner, ARGV[2])
return 1
