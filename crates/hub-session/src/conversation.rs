//! Conversations as the session stores tell them apart.

use hub_types::SessionId;
use sha2::{Digest, Sha256};

use crate::ConversationHash;

/// The session of whoever goes on from `hash` in another way than `session` did. The same two always give the
/// same branch, in every process.
pub fn branch(session: &SessionId, hash: ConversationHash) -> SessionId {
    let mut sha = Sha256::new();
    sha.update(hash.0.to_be_bytes());
    sha.update(session.as_str().as_bytes());
    let digest = sha.finalize();
    let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    SessionId::new(session.key(), &ConversationHash(first).to_string())
}
