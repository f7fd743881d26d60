//! The bounds that only the limiter in memory has.
