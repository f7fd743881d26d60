//! Sessions in Redis with this process to fall back on: while Redis is away, requests go on as with one
//! instance, and keep to their providers.
//!
//! Everything is written to both. Redis is believed when it answers: a binding that it does not have was
//! cleared elsewhere. Except for bindings that did not reach it because it was away: those are used from
//! memory, and written again when their next request succeeds.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use hub_types::{KeyId, ProviderId, SessionId};

use crate::{
    ActiveSession, Admission, ClearError, Cleared, ConversationHash, Known, MessagePart, Observed, Present,
    RedisSessionStore, SessionEnd, SessionStore, StoreUnavailable, StoredMessages, Visit,
};

type Result<T> = std::result::Result<T, StoreUnavailable>;

/// See the module's documentation.
#[derive(Debug)]
pub struct FallbackSessionStore<L> {
    shared: RedisSessionStore,
    local: L,
}

impl<L: SessionStore> FallbackSessionStore<L> {
    /// `local` is this process's memory.
    pub fn new(shared: RedisSessionStore, local: L) -> Self {
        Self { shared, local }
    }

    /// The store in Redis.
    pub fn shared(&self) -> &RedisSessionStore {
        &self.shared
    }

    /// This process's memory.
    pub fn local(&self) -> &L {
        &self.local
    }

    /// Sends what waits to be written, at most for the patience.
    pub async fn close(&self, patience: Duration) {
        self.shared.close(patience).await;
    }

    /// Both know something: Redis counts, except where it missed a binding.
    async fn join(&self, routing: &SessionId, shared: Present, local: Present) -> Present {
        let bound = if shared.bound == local.bound || self.shared.has_lost_binding(routing) {
            local.bound
        } else {
            if let Some(stale) = local.bound {
                self.local.drop_binding(routing, stale).await;
            }
            shared.bound
        };
        let sequence = shared.sequence.max(local.sequence);
        Present { sequence, bound, last_seen: shared.last_seen.max(local.last_seen) }
    }
}

#[async_trait]
impl<L: SessionStore> SessionStore for FallbackSessionStore<L> {
    async fn find_conversation(
        &self,
        key: KeyId,
        hashes: &[ConversationHash],
        now: Timestamp,
    ) -> Result<Option<Known>> {
        let local = self.local.find_conversation(key, hashes, now).await;
        let Ok(shared) = self.shared.find_conversation(key, hashes, now).await else { return local };
        let missed = local.ok().flatten().filter(|known| self.shared.has_lost_binding(&known.session));
        let depth = |known: &Option<Known>| known.as_ref().map(|known| known.depth);
        Ok(if depth(&missed) > depth(&shared) { missed } else { shared })
    }

    async fn enter(&self, visit: &Visit<'_>, now: Timestamp) -> Result<Admission> {
        match self.shared.enter(visit, now).await {
            Ok(Admission::Admitted(shared)) => {
                // It is in: memory has no say, but must know in case that Redis goes away.
                let visit = Visit { key_limit: None, user_limit: None, ..visit.clone() };
                let present = match self.local.enter(&visit, now).await {
                    Ok(Admission::Admitted(local)) => self.join(visit.routing, shared, local).await,
                    Ok(Admission::Refused(_)) | Err(_) => shared,
                };
                Ok(Admission::Admitted(present))
            }
            Ok(refused) => Ok(refused),
            Err(_) => self.local.enter(visit, now).await,
        }
    }

    async fn take_slot(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<bool> {
        match self.shared.take_slot(session, provider, limit, now).await {
            Ok(false) => Ok(false),
            Ok(true) => self.local.take_slot(session, provider, None, now).await.or(Ok(true)),
            Err(_) => self.local.take_slot(session, provider, limit, now).await,
        }
    }

    async fn release_slot(&self, session: &SessionId, provider: ProviderId) {
        self.local.release_slot(session, provider).await;
        self.shared.release_slot(session, provider).await;
    }

    async fn drop_binding(&self, session: &SessionId, provider: ProviderId) {
        self.local.drop_binding(session, provider).await;
        self.shared.drop_binding(session, provider).await;
    }

    fn leave(&self, end: &SessionEnd<'_>, now: Timestamp) {
        self.local.leave(end, now);
        self.shared.leave(end, now);
    }

    async fn drop_bindings(&self, provider: ProviderId, now: Timestamp) -> Result<u64> {
        let local = self.local.drop_bindings(provider, now).await;
        let shared = self.shared.drop_bindings(provider, now).await?;
        Ok(shared.max(local.unwrap_or(0)))
    }

    async fn list(&self, limit: usize, now: Timestamp) -> Result<Vec<ActiveSession>> {
        self.shared.list(limit, now).await
    }

    async fn find(&self, session: &SessionId, now: Timestamp) -> Result<Option<ActiveSession>> {
        self.shared.find(session, now).await
    }

    async fn count_at(&self, providers: &[ProviderId], now: Timestamp) -> Result<HashMap<ProviderId, u64>> {
        self.shared.count_at(providers, now).await
    }

    async fn end(&self, session: &SessionId, now: Timestamp) -> Result<bool> {
        let local = self.local.end(session, now).await;
        let shared = self.shared.end(session, now).await?;
        Ok(shared || local.unwrap_or(false))
    }

    async fn survey(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<HashMap<ProviderId, u64>> {
        self.shared.survey(providers, observed).await
    }

    async fn clear(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> std::result::Result<Cleared, ClearError> {
        // Memory first, and whatever becomes of Redis: what it still knew would be bound again by it.
        let local = self.local.clear(providers, &|_| {}).await;
        let shared = self.shared.clear(providers, observed).await?;
        local.map(|_| shared)
    }

    fn keep_messages(&self, session: &SessionId, part: MessagePart, body: Bytes, now: Timestamp) {
        self.local.keep_messages(session, part, body.clone(), now);
        self.shared.keep_messages(session, part, body, now);
    }

    async fn messages(&self, session: &SessionId, now: Timestamp) -> Result<StoredMessages> {
        match self.shared.messages(session, now).await {
            Ok(kept) => Ok(kept),
            Err(_) => self.local.messages(session, now).await,
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) {
        self.local.sweep(now).await;
        self.shared.sweep(now).await;
    }
}
