//! The bounds that only the store in memory has.
