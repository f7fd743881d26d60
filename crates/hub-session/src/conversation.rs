//! Recognising a conversation whose client sends no id, by how it begins.

use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use hub_formats::conversation::{ChainRules, conversation_chain};
use hub_types::{Dialect, KeyId, SessionId};

use crate::ConversationHash;

/// The hashes of a conversation's beginning: the first one names its first message, the second one the first
/// two, and so on up to the number that the rules give. Equal meaning gives equal hashes, on every machine and
/// in every version. Empty if the body has no messages, or is no JSON object.
pub fn generate_hash(dialect: Dialect, body: &[u8], rules: ChainRules) -> SmallVec<[ConversationHash; 4]> {
    conversation_chain(dialect, body, rules).into_iter().map(ConversationHash).collect()
}

/// The session of a conversation that nothing is known of yet: the hash of its deepest message is its client
/// id, and like every client id it belongs to one key.
pub fn conversation_session(key: KeyId, deepest: ConversationHash) -> SessionId {
    SessionId::new(key, &deepest.to_string())
}

/// The session of whoever goes on differently from a point, `hash`, up to which the conversation was
/// `session`'s: the first 16 hex digits of the SHA-256 of both name it. The same two always give the same branch.
pub fn branch(session: &SessionId, hash: ConversationHash) -> SessionId {
    let digest =
        Sha256::new().chain_update(hash.0.to_be_bytes()).chain_update(session.as_str().as_bytes()).finalize();
    let first = digest.iter().take(8).fold(0, |first, &byte| first << 8 | u64::from(byte));
    conversation_session(session.key(), ConversationHash(first))
}

#[cfg(test)]
mod tests {
    use hub_formats::conversation::ChainRules;
    use hub_types::{Dialect, KeyId, SessionId};

    use super::{branch, conversation_session, generate_hash};
    use crate::ConversationHash;

    #[test]
    fn a_conversation_is_named_by_its_hash_and_belongs_to_its_key() {
        let hash = ConversationHash(0xab);
        assert_eq!(conversation_session(KeyId(3), hash).as_str(), "k3.00000000000000ab");
        assert_ne!(conversation_session(KeyId(3), hash), conversation_session(KeyId(4), hash));
    }

    #[test]
    fn a_branch_is_another_session_of_the_same_key_and_always_the_same_one() {
        let session = SessionId::new(KeyId(12), "abc");
        let (one, other) = (branch(&session, ConversationHash(1)), branch(&session, ConversationHash(2)));
        assert_eq!(one, branch(&session, ConversationHash(1)));
        assert_ne!(one, other);
        assert_ne!(one, branch(&SessionId::new(KeyId(12), "abd"), ConversationHash(1)));
        assert_eq!((one.key(), one.as_str()), (KeyId(12), "k12.dca8236c3e28e2a4"));
    }

    #[test]
    fn the_hash_of_a_beginning_stays_the_same_as_the_conversation_grows() {
        let rules = ChainRules { message_count: 3, include_system_prompt: false };
        let first = br#"{"messages":[{"role":"user","content":"hello"}]}"#;
        let second = br#"{"messages":[{"content":[{"text":"hello","type":"text"}],"role":"user"},
            {"role":"assistant","content":"hi"},{"role":"user","content":"go on"}]}"#;
        let (first, second) =
            (generate_hash(Dialect::Claude, first, rules), generate_hash(Dialect::Claude, second, rules));
        assert_eq!((first.len(), second.len()), (1, 3));
        assert_eq!(first[0], second[0]);
        assert_eq!(generate_hash(Dialect::Claude, b"[]", rules).len(), 0);
    }
}
