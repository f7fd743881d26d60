//! What the tests share: a hub on a free port, a client, dialects, and an upstream that says what it is told.

pub(crate) mod child;
pub(crate) mod client;
pub(crate) mod speech;
pub(crate) mod upstream;
pub(crate) mod world;

use sha2::{Digest as _, Sha256};

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Where `needle` begins in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
