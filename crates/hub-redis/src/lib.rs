//! Connections to Redis; the only crate that knows its client library.
