-- Charges before a moment count no longer. KEYS: the owner's. ARGV: that moment, lifetime of an owner.
local at = tonumber(ARGV[1])
local owners = read_owners(1)
for _, c in ipairs(all_counters(owners)) do
  if c.slot ~= RPM and at > c.floor then
    if c.last < at and (not c.pending or c.since <= at) then
      c.floor, c.pending = at, false
      clear(c)
    else
      -- It is read from the ledger when it is needed.
      lose(c)
    end
  end
end
write_owner(owners[1], ARGV[2])
return 1
