//! The seam to what is remembered of sessions.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use smallvec::SmallVec;
use thiserror::Error;

use crate::{MessagePart, StoredMessages};
use hub_types::{Dialect, KeyId, Money, ProviderId, SessionId, UserId};

/// The first 16 hex digits of a SHA-256: of the beginning of a conversation, or of an answer's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationHash(pub u64);

impl fmt::Display for ConversationHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for ConversationHash {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// The store can't answer at the moment. Requests go on without it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the session store is unavailable: {0}")]
pub struct StoreUnavailable(pub String);

type Result<T> = std::result::Result<T, StoreUnavailable>;

/// How long things are remembered, and how many.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A session counts as active, and keeps its binding, for this long after its last request (SESSION_TTL).
    pub ttl: Duration,
    /// A conversation is recognised by its hashes for this long (SESSION_TTL_SECONDS).
    pub conversation_ttl: Duration,
    /// A known conversation hash is written again only when less than this is left of its time.
    pub renew_threshold: Duration,
    /// The most sessions, and the most conversation hashes, that a process remembers.
    pub max_entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(300),
            conversation_ttl: Duration::from_secs(3600),
            renew_threshold: Duration::from_secs(300),
            max_entries: 10_000,
        }
    }
}

/// A conversation hash that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which of the hashes asked for: an index.
    pub depth: usize,
    /// The session of whoever goes on from there.
    pub session: SessionId,
}

/// A request comes in.
#[derive(Debug, Clone)]
pub struct Visit<'a> {
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// The session whose binding it follows: the same, unless a pooled session lends its own.
    pub routing: &'a SessionId,
    /// Whose request.
    pub key: KeyId,
    /// The key's owner.
    pub user: UserId,
    /// How many sessions the key may have at once.
    pub key_limit: Option<NonZeroU32>,
    /// How many sessions the user may have at once, over all keys.
    pub user_limit: Option<NonZeroU32>,
    /// The client's dialect.
    pub dialect: Dialect,
    /// The requested model.
    pub model: &'a str,
}

/// Whose limit is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A key's.
    Key,
    /// A user's.
    User,
}

/// What became of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is counted, and in flight until [`SessionStore::leave`].
    Admitted(Present),
    /// It would be one session too many. Nothing was counted.
    Refused(Refused),
}

/// What is known of a session whose request was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Present {
    /// The how manieth request of the session this is; from 1.
    pub sequence: u64,
    /// The provider that the routing session is bound to.
    pub bound: Option<ProviderId>,
    /// When the routing session was last seen before this request.
    pub last_seen: Option<Timestamp>,
}

/// A limit on sessions is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Whose.
    pub scope: Scope,
    /// Sessions that count now.
    pub current: u32,
    /// How many may.
    pub limit: u32,
    /// When the one that was silent for longest leaves, if nothing more is heard of it.
    pub free_at: Timestamp,
}

/// What a session used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionUsage {
    /// Requests that have ended.
    pub requests: u64,
    /// Tokens in, cached ones included.
    pub input_tokens: u64,
    /// Tokens out.
    pub output_tokens: u64,
    /// What they cost.
    pub cost: Money,
}

/// The hashes that a request's conversation is to be recognised by from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trail {
    /// From the first message to the deepest one looked at.
    pub hashes: SmallVec<[ConversationHash; 4]>,
    /// How many of them led to this session when the request came in. Whoever comes next with only those
    /// starts a branch: a session of its own, beginning with the same binding. Of a conversation that nobody
    /// knew, 0, only the deepest hash leads to the session, and the others lead to branches.
    pub known: usize,
}

impl Trail {
    /// The hashes that the request was recognised by, and those that are new.
    pub(crate) fn parts(&self) -> (&[ConversationHash], &[ConversationHash]) {
        self.hashes.split_at(self.known.min(self.hashes.len()))
    }
}

/// A request has ended.
#[derive(Debug, Clone)]
pub struct SessionEnd<'a> {
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// The session whose binding it followed.
    pub routing: &'a SessionId,
    /// What becomes of that binding.
    pub binding: super::BindingChange,
    /// How long a new binding lasts: the provider's own time, else [`Limits::ttl`].
    pub binding_ttl: Duration,
    /// The provider that answered last.
    pub provider: Option<ProviderId>,
    /// The answer's status.
    pub status: u16,
    /// What the request used; its `requests` is 1.
    pub usage: SessionUsage,
    /// How to recognise the conversation, if it was successful and has no id from the client.
    pub trail: Option<&'a Trail>,
    /// The hash of the answer's id, where later requests may refer to it.
    pub answer: Option<ConversationHash>,
}

/// A session for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSession {
    /// Which.
    pub session: SessionId,
    /// Whose.
    pub user: Option<UserId>,
    /// The requested model.
    pub model: Option<String>,
    /// The client's dialect.
    pub dialect: Option<Dialect>,
    /// The provider it is bound to, else the one that answered last.
    pub provider: Option<ProviderId>,
    /// Is it bound?
    pub is_bound: bool,
    /// When it was first seen.
    pub started: Option<Timestamp>,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// The status of its last answer.
    pub last_status: Option<u16>,
    /// Requests in flight.
    pub in_flight: u32,
    /// What it used.
    pub usage: SessionUsage,
}

/// How far a long piece of work has come: called with the number of keys or sessions seen so far.
pub type Observed<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// What was cleared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cleared {
    /// Sessions removed, by the provider they were bound to.
    pub sessions: HashMap<ProviderId, u64>,
    /// Conversation hashes removed.
    pub conversations: u64,
}

/// The work stopped before its end. Doing it again finishes it.
#[derive(Debug, Clone, Error)]
#[error("{reason}")]
pub struct ClearError {
    /// What was done by then.
    pub done: Cleared,
    /// What stopped it.
    pub reason: StoreUnavailable,
}

/// What is remembered of sessions. Implementations: in this process, in Redis, and Redis with this process to
/// fall back on. `now` is an input, so that tests need not wait.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// The deepest of these conversation hashes that is known for the key. Asks the deepest first; a hit is
    /// renewed when less than the threshold is left.
    async fn find_conversation(
        &self,
        key: KeyId,
        hashes: &[ConversationHash],
        now: Timestamp,
    ) -> Result<Option<Known>>;

    /// Counts a session in, or refuses it. A session that counts already is never refused; of many new ones at
    /// a time exactly as many as the limits allow pass. Where both limits are reached the key's is told.
    /// An admitted request is in flight until [`SessionStore::leave`].
    async fn enter(&self, visit: &Visit<'_>, now: Timestamp) -> Result<Admission>;

    /// Counts the session at a provider; false = the provider has as many as it may, and nothing was counted.
    /// `None` = no limit. A session that counts there already always may.
    async fn take_slot(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Gives back a slot that [`SessionStore::take_slot`] has just counted for a provider that did not answer.
    async fn release_slot(&self, session: &SessionId, provider: ProviderId);

    /// Forgets the session's binding if it is to this provider.
    async fn drop_binding(&self, session: &SessionId, provider: ProviderId);

    /// A request has ended, in whatever way. Does not wait for what is remote. Of a session that was ended or
    /// cleared meanwhile it leaves the binding and the hashes that it is told, and no other trace: the session
    /// does not count again, and what it used is not remembered.
    fn leave(&self, end: &SessionEnd<'_>, now: Timestamp);

    /// Forgets every binding to this provider; sessions go on counting. How many there were.
    async fn drop_bindings(&self, provider: ProviderId, now: Timestamp) -> Result<u64>;

    /// The active sessions, the most recently seen first, at most `limit`.
    async fn list(&self, limit: usize, now: Timestamp) -> Result<Vec<ActiveSession>>;

    /// One session, if anything is known of it.
    async fn find(&self, session: &SessionId, now: Timestamp) -> Result<Option<ActiveSession>>;

    /// How many sessions count at each of these providers.
    async fn count_at(&self, providers: &[ProviderId], now: Timestamp) -> Result<HashMap<ProviderId, u64>>;

    /// Ends a session: binding, counters, everything that is remembered of it. Was there anything? The
    /// conversation hashes that lead to it go with it only where they are at hand; a shared store would have to
    /// look through all of them. There the conversation, if it goes on, comes back under the same id, but as a
    /// new beginning: without a binding, and counted from one.
    async fn end(&self, session: &SessionId, now: Timestamp) -> Result<bool>;

    /// How many sessions are bound to each of these providers.
    async fn survey(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<HashMap<ProviderId, u64>>;

    /// Removes the bindings to these providers, everything else that is remembered of the sessions bound so,
    /// and the conversation hashes that lead to them. Done again after a failure, it finishes.
    async fn clear(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> std::result::Result<Cleared, ClearError>;

    /// Keeps the body of the session's last request or answer, in place of the one before, for as long as the
    /// session is active. What to keep of it is decided by [`crate::MessageStorage::of`]. Does not wait for
    /// what is remote, and drops bodies when it has no room.
    fn keep_messages(&self, session: &SessionId, part: MessagePart, body: Bytes, now: Timestamp);

    /// The bodies that are kept of a session.
    async fn messages(&self, session: &SessionId, now: Timestamp) -> Result<StoredMessages>;

    /// Do other processes see the same sessions?
    fn is_shared(&self) -> bool;

    /// Forgets what has expired, and writes what waits. To be called every few seconds.
    async fn sweep(&self, now: Timestamp);
}
