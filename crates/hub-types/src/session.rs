//! A hub session's id: whose conversation, readable by people.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::KeyId;

/// Longer client session ids are replaced by a hash.
const MAX_CLIENT_ID_BYTES: usize = 256;

/// `k{key id}.{client session id}`: never shared between keys. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Arc<str>);

/// The text is no session id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a session id looks like `k12.` followed by letters, digits and any of ._:@-")]
pub struct NoSessionId;

impl SessionId {
    /// The session that a client calls `client_id`, for requests with the key. What is longer than 256 bytes,
    /// empty, or has characters outside `[A-Za-z0-9._:@-]` is replaced by the first 32 hex digits of its SHA-256.
    pub fn new(key: KeyId, client_id: &str) -> Self {
        if is_plain(client_id) {
            return Self(format!("k{key}.{client_id}").into());
        }
        let digest = Sha256::digest(client_id.as_bytes());
        let mut text = format!("k{key}.");
        for byte in digest.iter().take(16) {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        Self(text.into())
    }

    /// Reads what [`SessionId::new`] made: from a store, or from somebody who asks for a session.
    pub fn parse(text: &str) -> Result<Self, NoSessionId> {
        let (key, client_id) =
            text.strip_prefix('k').and_then(|rest| rest.split_once('.')).ok_or(NoSessionId)?;
        let is_canonical = key.parse::<i64>().is_ok_and(|id| id >= 0 && id.to_string() == key);
        if is_canonical && is_plain(client_id) { Ok(Self(text.into())) } else { Err(NoSessionId) }
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number that is always the same for this session: two of its requests that come at the same time,
    /// before there is a binding, are to choose alike. (FNV-1a, stable over versions.)
    pub fn seed(&self) -> u64 {
        self.0
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// The key that its requests come with.
    pub fn key(&self) -> KeyId {
        let digits =
            self.0.strip_prefix('k').and_then(|rest| rest.split_once('.')).map_or("0", |(key, _)| key);
        KeyId(digits.parse().unwrap_or(0))
    }
}

fn is_plain(client_id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
    !client_id.is_empty() && client_id.len() <= MAX_CLIENT_ID_BYTES && client_id.bytes().all(is_allowed)
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::SessionId;
    use crate::KeyId;

    #[test]
    fn a_plain_id_stays_readable_and_belongs_to_its_key() {
        let session = SessionId::new(KeyId(12), "0193a-b_x".replace('_', ":").as_str());
        assert_eq!(session.as_str(), "k12.0193a-b:x");
        assert_eq!(session.key(), KeyId(12));
        assert_ne!(session, SessionId::new(KeyId(1), "0193a-b:x"));
        assert_eq!(SessionId::new(KeyId(1), "a").seed(), 0x9558_41d6_5d56_78b4);
    }

    #[test]
    fn other_ids_are_replaced_by_their_hash() {
        for odd in ["", "a b", "ä", "a/b", &"x".repeat(257)] {
            let session = SessionId::new(KeyId(7), odd);
            assert_eq!(session.as_str().len(), "k7.".len() + 32, "{odd}");
            assert_eq!(SessionId::parse(session.as_str()), Ok(session));
        }
        assert_eq!(SessionId::new(KeyId(7), "a b").as_str(), "k7.c8687a08aa5d6ed2044328fa6a697ab8");
    }

    #[test]
    fn what_is_no_session_id_is_refused() {
        for text in ["", "k1", "1.a", "k1.", "kx.a", "k-1.a", "k01.a", "k+1.a", "k1.a b", "k1.a*"] {
            assert!(SessionId::parse(text).is_err(), "{text}");
        }
    }
}
