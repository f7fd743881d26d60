-- The counters that a charge changes in other ways.
for _, c in ipairs(others) do
  if c.slot == TOKENS then charge(c, now, th, tl) else charge(c, now, mh, ml) end
end
for _, owner in ipairs(owners) do write_owner(owner, lifetime) end
return 1
