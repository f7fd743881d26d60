//! Sealing of what must be readable again but not in a stolen database: provider credentials, proxy URLs.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce. The column's name is authenticated along with the text, so
//! that a sealed proxy URL can't be passed off as a credential. Form: version byte, nonce, ciphertext.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use hub_types::Secret;

use crate::RepositoryError;

const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Seals and opens secrets with the master key.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl Sealer {
    /// A sealer with this master key.
    pub fn new(master_key: [u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&Key::from(master_key)) }
    }

    /// Seals a secret for a column, such as `providers.credential`.
    pub fn seal(&self, column: &'static str, secret: &Secret) -> Result<Vec<u8>, RepositoryError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)
            .map_err(|_| RepositoryError::Database("no random bytes for sealing a secret".to_owned()))?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: column.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| RepositoryError::Database("a secret is too long to be sealed".to_owned()))?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Sealer::seal`] made for the same column; fails with `Unsealable` on anything else.
    pub fn open(&self, column: &'static str, sealed: &[u8]) -> Result<Secret, RepositoryError> {
        let (version, rest) = sealed.split_first().ok_or(RepositoryError::Unsealable)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(RepositoryError::Unsealable)?;
        if *version != VERSION {
            return Err(RepositoryError::Unsealable);
        }
        let payload = Payload { msg: text, aad: column.as_bytes() };
        let clear =
            self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| RepositoryError::Unsealable)?;
        String::from_utf8(clear).map(Secret::new).map_err(|_| RepositoryError::Unsealable)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_for_the_same_column_only() {
        let sealer = Sealer::new([7; 32]);
        let sealed = sealer.seal("providers.credential", &Secret::new("sk-clear-text")).unwrap();
        assert!(!sealed.windows(5).any(|part| part == b"clear"));
        assert_eq!(sealer.open("providers.credential", &sealed).unwrap().expose(), "sk-clear-text");
        for (other, column, bytes) in [
            (Sealer::new([8; 32]), "providers.credential", sealed.clone()),
            (sealer.clone(), "providers.proxy_url", sealed.clone()),
            (sealer.clone(), "providers.credential", sealed[..30].to_vec()),
            (sealer.clone(), "providers.credential", Vec::new()),
        ] {
            assert!(matches!(other.open(column, &bytes), Err(RepositoryError::Unsealable)));
        }
        let again = sealer.seal("providers.credential", &Secret::new("sk-clear-text")).unwrap();
        assert_ne!(sealed, again, "each sealing has its own nonce");
    }
}
