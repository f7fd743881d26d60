//! Recognising a conversation by how it begins: a chain of hashes over the meaning of its leading messages.
//!
//! Clients write the same history differently from turn to turn: cache marks move, a text becomes a list of
//! blocks, keys change their order, escapes come and go. None of that counts here. What counts: roles, texts,
//! images (by the hash of their data), calls of tools and their results, and their order. Thoughts and
//! signatures don't count either, since clients drop old ones.
//!
//! The hashes are kept by stores across versions of the hub: what a message's canonical form is may not change.

mod canon;
mod message;
mod object;
mod part;
mod value;

use hub_types::Dialect;
use smallvec::SmallVec;

use crate::scan::{ConversationSpans, scan_request};
use message::Reader;

/// How much of a conversation is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainRules {
    /// The number of leading messages.
    pub message_count: usize,
    /// Does the system prompt count, too? It then belongs to the first message.
    pub include_system_prompt: bool,
}

/// A conversation's hashes, one a message: h₁ is that of the first message, and each further one is that of the
/// hash before (all 256 bits of it) and its message. Shown are the first eight bytes of each SHA-256.
pub type Chain = SmallVec<[u64; 4]>;

/// The chain of a request body. Of a body that is no JSON object, or holds no messages, it is empty.
pub fn conversation_chain(dialect: Dialect, body: &[u8], rules: ChainRules) -> Chain {
    match scan_request(dialect, body) {
        Ok(facts) => chain_at(dialect, body, &facts.conversation, rules),
        Err(_) => Chain::new(),
    }
}

/// The same for a body that was scanned already: `spans` is what the scan found. It reads nothing else, and
/// nothing behind the last message that counts. A message that can't be read, or that is made of so many
/// pieces that hashing it would be an attack, ends the chain.
pub fn chain_at(dialect: Dialect, body: &[u8], spans: &ConversationSpans, rules: ChainRules) -> Chain {
    Reader::new(dialect, body, rules).chain(spans)
}

#[cfg(test)]
mod tests;
