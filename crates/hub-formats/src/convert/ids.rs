//! Ids of calls: made up where a dialect has none, and made legal where another one is stricter. The same input
//! always gives the same id, so that prompt caches of the vendors keep working.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The first 24 hex digits of a hash over the pieces.
pub(crate) fn digest(pieces: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    hex(&hash.finalize()[..12])
}

/// All of a hash, in hex.
pub(crate) fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Which ids a dialect takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// `[A-Za-z0-9_-]+`
    Claude,
    /// At most 64 bytes.
    Responses,
}

/// The id itself if the dialect takes it, else a legal one in its place.
pub(crate) fn legal<'a>(id: &Cow<'a, str>, rule: Rule) -> Cow<'a, str> {
    let fits = match rule {
        Rule::Responses => !id.is_empty() && id.len() <= 64,
        Rule::Claude => {
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        }
    };
    if fits { id.clone() } else { Cow::Owned(format!("call_{}", digest(&[id.as_bytes()]))) }
}
