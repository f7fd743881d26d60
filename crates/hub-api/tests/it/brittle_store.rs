//! Sessions in this process, in a store that can give up in the middle of clearing them.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;

use async_trait::async_trait;
use axum::body::Bytes;
use hub_session::{
    ActiveSession, Admission, ClearError, Cleared, ConversationHash, Known, Limits, MemorySessionStore,
    MessagePart, Observed, SessionEnd, SessionStore, StoreUnavailable, StoredMessages, Visit,
};
use hub_types::{KeyId, ProviderId, SessionId};
use jiff::Timestamp;
use parking_lot::Mutex;

type Stored<T> = Result<T, StoreUnavailable>;

/// See the module's documentation.
pub(crate) struct BrittleStore {
    whole: MemorySessionStore,
    /// How many more sessions can be cleared before it gives up, at a moment when they are active.
    strength: Mutex<Option<(usize, Timestamp)>>,
}

impl BrittleStore {
    pub(crate) fn new() -> Self {
        Self { whole: MemorySessionStore::new(Limits::default()), strength: Mutex::new(None) }
    }

    /// From now on it clears no more than so many sessions; `None`: as many as there are.
    pub(crate) fn clears_at_most(&self, strength: Option<usize>, now: Timestamp) {
        *self.strength.lock() = strength.map(|strength| (strength, now));
    }
}

#[async_trait]
impl SessionStore for BrittleStore {
    async fn clear(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<Cleared, ClearError> {
        let Some((strength, now)) = *self.strength.lock() else {
            return self.whole.clear(providers, observed).await;
        };
        let mut done = Cleared::default();
        let all = self.whole.list(usize::MAX, now).await.unwrap();
        let bound = all.into_iter().filter(|session| session.is_bound);
        let meant = bound.filter_map(|session| Some((session.provider?, session.session)));
        for (provider, session) in meant.filter(|(id, _)| providers.contains(id)).take(strength) {
            assert!(self.whole.end(&session, now).await.unwrap());
            *done.sessions.entry(provider).or_default() += 1;
        }
        *self.strength.lock() = Some((0, now));
        Err(ClearError { done, reason: StoreUnavailable("cut off".to_owned()) })
    }

    async fn find_conversation(
        &self,
        key: KeyId,
        hashes: &[ConversationHash],
        now: Timestamp,
    ) -> Stored<Option<Known>> {
        self.whole.find_conversation(key, hashes, now).await
    }

    async fn enter(&self, visit: &Visit<'_>, now: Timestamp) -> Stored<Admission> {
        self.whole.enter(visit, now).await
    }

    async fn take_slot(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Stored<bool> {
        self.whole.take_slot(session, provider, limit, now).await
    }

    async fn release_slot(&self, session: &SessionId, provider: ProviderId) {
        self.whole.release_slot(session, provider).await;
    }

    async fn drop_binding(&self, session: &SessionId, provider: ProviderId) {
        self.whole.drop_binding(session, provider).await;
    }

    fn leave(&self, end: &SessionEnd<'_>, now: Timestamp) {
        self.whole.leave(end, now);
    }

    async fn drop_bindings(&self, provider: ProviderId, now: Timestamp) -> Stored<u64> {
        self.whole.drop_bindings(provider, now).await
    }

    async fn list(&self, limit: usize, now: Timestamp) -> Stored<Vec<ActiveSession>> {
        self.whole.list(limit, now).await
    }

    async fn find(&self, session: &SessionId, now: Timestamp) -> Stored<Option<ActiveSession>> {
        self.whole.find(session, now).await
    }

    async fn count_at(&self, providers: &[ProviderId], now: Timestamp) -> Stored<HashMap<ProviderId, u64>> {
        self.whole.count_at(providers, now).await
    }

    async fn end(&self, session: &SessionId, now: Timestamp) -> Stored<bool> {
        self.whole.end(session, now).await
    }

    async fn survey(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Stored<HashMap<ProviderId, u64>> {
        self.whole.survey(providers, observed).await
    }

    fn keep_messages(&self, session: &SessionId, part: MessagePart, body: Bytes, now: Timestamp) {
        self.whole.keep_messages(session, part, body, now);
    }

    async fn messages(&self, session: &SessionId, now: Timestamp) -> Stored<StoredMessages> {
        self.whole.messages(session, now).await
    }

    fn is_shared(&self) -> bool {
        self.whole.is_shared()
    }

    async fn sweep(&self, now: Timestamp) {
        self.whole.sweep(now).await;
    }
}
