//! Choosing a provider, and building its URL: pure functions.
