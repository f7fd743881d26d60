//! Sessions in Redis, for several instances of the hub.
//!
//! What a request waits for is one round trip ([`SessionStore::enter`]); everything else goes through a bounded
//! queue, and what waits in it counts as if it were written (`pending.rs`). No key is without a time to live, so nothing needs to be swept.

mod admit;
mod answers;
mod browse;
mod clear;
mod keys;
mod pending;
mod removal;
mod scripts;
mod trail;
mod unsaved;
mod write;
mod writer;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hub_redis::{Batch, RedisConnection};
use jiff::Timestamp;

use hub_types::{KeyId, ProviderId, SessionId};

use self::answers::{Answers, Result};
use self::keys::Lifetimes;
use self::write::{Departure, Write};
use self::writer::Writer;
use crate::{
    ActiveSession, Admission, ClearError, Cleared, ConversationHash, Known, Limits, MessagePart, Observed,
    SessionEnd, SessionStore, StoreUnavailable, StoredMessages, Visit,
};

/// How long somebody who looks after sessions waits for one answer, or for the queue to be empty.
const MANAGEMENT: Duration = Duration::from_secs(5);
/// How long a request waits for what it has queued itself.
const REQUEST: Duration = Duration::from_millis(200);

/// See the module's documentation.
#[derive(Debug)]
pub struct RedisSessionStore {
    connection: Arc<RedisConnection>,
    life: Lifetimes,
    writer: Writer,
}

impl RedisSessionStore {
    /// A store over a connection. Must be called within a tokio runtime: it starts a task, which ends with
    /// [`RedisSessionStore::close`] or soon after the store is dropped.
    pub fn new(connection: Arc<RedisConnection>, limits: Limits) -> Self {
        let life = Lifetimes::of(&limits);
        let writer = Writer::start(Arc::clone(&connection), life, limits.max_entries);
        Self { connection, life, writer }
    }

    /// Sends what waits to be written, at most for the patience. What is offered later is lost.
    pub async fn close(&self, patience: Duration) {
        self.writer.close(patience).await;
    }

    /// How many writes were lost so far: Redis was away, or too many waited.
    pub fn lost_writes(&self) -> u64 {
        self.writer.losses().entries()
    }

    /// Did the last binding that this process gave the session not reach Redis? Remembered for a bounded number
    /// of sessions.
    pub fn has_lost_binding(&self, session: &SessionId) -> bool {
        self.writer.losses().has_binding_of(session)
    }

    /// Whoever looks at sessions sees what was offered before; so whoever clears them clears that, too.
    async fn flush(&self) -> Result<()> {
        if self.writer.flush(MANAGEMENT).await {
            Ok(())
        } else {
            Err(StoreUnavailable("writes to Redis are still waiting".to_owned()))
        }
    }

    async fn ask_patiently(&self, batch: Batch) -> Result<Answers> {
        Answers::of(self.connection.run_for(batch, MANAGEMENT).await)
    }
}

#[async_trait]
impl SessionStore for RedisSessionStore {
    async fn find_conversation(
        &self,
        key: KeyId,
        hashes: &[ConversationHash],
        _now: Timestamp,
    ) -> Result<Option<Known>> {
        self.recognise(key, hashes).await
    }

    async fn enter(&self, visit: &Visit<'_>, now: Timestamp) -> Result<Admission> {
        self.admit(visit, now).await
    }

    async fn take_slot(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<bool> {
        self.count_at_provider(session, provider, limit, now).await
    }

    async fn release_slot(&self, session: &SessionId, provider: ProviderId) {
        self.writer.offer(Write::Uncounted { session: session.clone(), provider });
        self.writer.flush(REQUEST).await;
    }

    async fn drop_binding(&self, session: &SessionId, provider: ProviderId) {
        self.writer.losses().forget(session);
        self.writer.offer(Write::Unbound { session: session.clone(), provider });
        self.writer.flush(REQUEST).await;
    }

    fn leave(&self, end: &SessionEnd<'_>, now: Timestamp) {
        self.writer.offer(Write::Departure(Box::new(Departure::of(end, now))));
    }

    async fn drop_bindings(&self, provider: ProviderId, _now: Timestamp) -> Result<u64> {
        self.unbind_all(provider).await
    }

    async fn list(&self, limit: usize, now: Timestamp) -> Result<Vec<ActiveSession>> {
        self.list_active(limit, now).await
    }

    async fn find(&self, session: &SessionId, now: Timestamp) -> Result<Option<ActiveSession>> {
        self.find_one(session, now).await
    }

    async fn count_at(&self, providers: &[ProviderId], now: Timestamp) -> Result<HashMap<ProviderId, u64>> {
        self.count_at_each(providers, now).await
    }

    async fn end(&self, session: &SessionId, _now: Timestamp) -> Result<bool> {
        self.end_one(session).await
    }

    async fn survey(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<HashMap<ProviderId, u64>> {
        self.survey_bindings(providers, observed).await
    }

    async fn clear(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> std::result::Result<Cleared, ClearError> {
        self.clear_all(providers, observed).await
    }

    fn keep_messages(&self, session: &SessionId, part: MessagePart, body: Bytes, _now: Timestamp) {
        self.writer.offer_body(session, part, body);
    }

    async fn messages(&self, session: &SessionId, _now: Timestamp) -> Result<StoredMessages> {
        self.read_messages(session).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// What expires leaves Redis by itself: this only waits for the queue.
    async fn sweep(&self, _now: Timestamp) {
        self.writer.flush(MANAGEMENT).await;
    }
}
