//! Hub keys and other secrets: made, recognised, compared, never printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// A text that must not reach a log, an error or a record. `Debug` prints `[REDACTED]`.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself. Look twice at where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The last four characters for display, or fewer if the secret is too short to show any safely.
    pub fn last4(&self) -> String {
        last4(self.expose())
    }

    /// Constant-time comparison with a text.
    pub fn matches(&self, other: &str) -> bool {
        self.expose().as_bytes().ct_eq(other.as_bytes()).into()
    }
}

/// The SHA-256 of a credential: all that is stored of it, and what it is looked up by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// Hashes a presented credential, whatever it looks like.
    pub fn of(credential: &str) -> Self {
        Self(Sha256::digest(credential.as_bytes()).into())
    }

    /// Equality in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Lower-case hex, as the database keeps it.
    pub fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            text
        })
    }

    /// Reads what [`KeyHash::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = match pair {
                [high, low] => digit(*high)? << 4 | digit(*low)?,
                _ => return None,
            };
        }
        Some(Self(hash))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// A hub key: `cch_` and 40 base62 characters, 238 bits of chance.
#[derive(Debug, Clone)]
pub struct HubKey(Secret);

/// A text does not have the form of a hub key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a hub key: it is `cch_` and 40 letters and digits")]
pub struct HubKeyError;

impl HubKey {
    const PREFIX: &'static str = "cch_";
    const LENGTH: usize = 40;
    const ALPHABET: &'static [u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// Makes a key out of random bytes. `next` must give bytes of a cryptographic generator; bytes that would
    /// favour some characters are passed over, so that all 62 are equally likely.
    pub fn generate<E>(mut next: impl FnMut() -> Result<u8, E>) -> Result<Self, E> {
        let mut text = String::with_capacity(Self::PREFIX.len() + Self::LENGTH);
        text.push_str(Self::PREFIX);
        while text.len() < Self::PREFIX.len() + Self::LENGTH {
            let byte = next()?;
            // 248 = 4 × 62: the largest multiple of the alphabet below 256.
            if let (true, Some(letter)) = (byte < 248, Self::ALPHABET.get(usize::from(byte % 62))) {
                text.push(char::from(*letter));
            }
        }
        Ok(Self(Secret::new(text)))
    }

    /// Recognises a key by its form.
    pub fn parse(text: &str) -> Result<Self, HubKeyError> {
        let body = text.strip_prefix(Self::PREFIX).ok_or(HubKeyError)?;
        let well_formed = body.len() == Self::LENGTH && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
        well_formed.then(|| Self(Secret::new(text))).ok_or(HubKeyError)
    }

    /// The key's text: shown once, at creation.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is stored of it.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(self.expose())
    }

    /// The last four characters, for display.
    pub fn last4(&self) -> String {
        self.0.last4()
    }
}

fn last4(text: &str) -> String {
    let count = text.chars().count();
    if count < 12 { String::new() } else { text.chars().skip(count - 4).collect() }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn key_from(mut byte: u8) -> HubKey {
        HubKey::generate(|| {
            byte = byte.wrapping_add(37);
            Ok::<_, Infallible>(byte)
        })
        .unwrap()
    }

    #[test]
    fn a_made_key_is_recognised_and_found_again_by_its_hash() {
        let key = key_from(3);
        let again = HubKey::parse(key.expose()).unwrap();
        assert!(again.hash().matches(&key.hash()));
        assert_eq!(KeyHash::from_hex(&key.hash().to_hex()), Some(key.hash()));
        assert_eq!(key.last4(), key.expose()[40..]);
    }

    #[test]
    fn what_merely_resembles_a_key_is_not_one() {
        for text in
            ["", "cch_", "cch_short", &format!("cch_{}", "ä".repeat(20)), &format!("sk_{}", "a".repeat(40))]
        {
            assert!(HubKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn debug_output_shows_nothing_of_a_secret() {
        let key = key_from(9);
        let shown = format!("{key:?} {:?} {:?}", key.hash(), Secret::new("sk-very-secret-text"));
        assert!(!shown.contains(&key.expose()[4..]) && !shown.contains("very-secret"), "{shown}");
    }

    #[test]
    fn short_secrets_show_no_tail() {
        assert_eq!(Secret::new("sk-1234").last4(), "");
        assert_eq!(Secret::new("sk-1234567890").last4(), "7890");
    }
}
