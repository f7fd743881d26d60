-- The ledger has got a line of that time late: an answer that was to have it may lack it. KEYS: the owner's.
-- ARGV: that moment, lifetime of an owner.
local at = tonumber(ARGV[1])
local owners = read_owners(1)
for _, c in ipairs(all_counters(owners)) do
  -- One that counted the charge itself began before it. An answer that is still under way comes too late.
  if c.slot ~= RPM and at < c.since then lose(c) end
end
write_owner(owners[1], ARGV[2])
return 1
