//! Lua scripts, sent by their hash.

use std::sync::OnceLock;

use fred::util::sha1_hash;

/// A script that runs at the server. Made once, as a `static`.
#[derive(Debug)]
pub struct Script {
    source: &'static str,
    sha: OnceLock<String>,
}

impl Script {
    /// A script with this source.
    pub const fn new(source: &'static str) -> Self {
        Self { source, sha: OnceLock::new() }
    }

    /// The source.
    pub const fn source(&self) -> &'static str {
        self.source
    }

    /// The hash that the server knows it by.
    pub fn sha(&self) -> &str {
        self.sha.get_or_init(|| sha1_hash(self.source))
    }
}
