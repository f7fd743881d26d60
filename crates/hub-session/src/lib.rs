//! Sessions: who is talking, which provider a conversation stays with, how many talk at once.
//!
//! A session is one conversation of one client. Prompt caches live per provider account, so a session that
//! hops between providers pays the full price of its whole prefix each time: keeping it in its place is what
//! this crate is for.
//!
//! [`identify`] finds the id that a client sends, [`ConversationHash`] recognises conversations whose client
//! sends none. [`SessionStore`] is the seam to what is remembered: in this process, or in Redis for several
//! instances; all stores are held to one conformance suite. [`after`] is the table of what becomes of a
//! binding. What does not live here: choosing a provider (hub-routing), limits on money and rate.

mod binding;
mod conversation;
#[cfg(feature = "redis")]
mod fallback;
mod identity;
mod memory;
mod messages;
mod pool;
#[cfg(feature = "redis")]
mod redis;
mod sessions;
mod store;

pub use binding::{BindingChange, Ended, after};
pub use conversation::{branch, conversation_session, generate_hash};
#[cfg(feature = "redis")]
pub use fallback::FallbackSessionStore;
pub use identity::{ClientSession, Identity, SessionSource, answer_hash, identify};
pub use memory::MemorySessionStore;
pub use messages::{
    MAX_MESSAGE_BYTES, MessagePart, MessageShelf, MessageStorage, StoredMessages, redact_request,
    redact_response,
};
#[cfg(feature = "redis")]
pub use pool::RedisPool;
pub use pool::{
    Collected, MemoryPool, PoolError, PoolRules, PoolState, PoolStats, PoolStore, SessionPool, Switched,
};
#[cfg(feature = "redis")]
pub use redis::RedisSessionStore;
pub use sessions::Sessions;
pub use store::{
    ActiveSession, Admission, ClearError, Cleared, ConversationHash, Known, Limits, Observed, Present,
    Refused, Scope, SessionEnd, SessionStore, SessionUsage, StoreUnavailable, Trail, Visit,
};
