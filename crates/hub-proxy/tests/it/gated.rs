//! Stores that do at once what they are asked, and whose answers stay on the way until they are let through: as
//! Redis and a network do.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

use hub_circuit_breaker::{
    Breaker, BreakerConfig, BreakerHealth, BreakerStore, Event, MemoryBreakerStore, Transition, TrialAnswer,
};
use hub_rate_limit::{
    Amount, LimiterUnavailable, Limits, MemoryRateLimiter, Owner, Past, Payer, RateLimiter, Restore, Room,
    Ticket, Verdict, WindowUsage,
};
use hub_session::{
    ActiveSession, Admission, ClearError, Cleared, ConversationHash, MemorySessionStore, MessagePart,
    Observed, SessionEnd, SessionStore, StoreUnavailable, StoredMessages, Visit,
};
use hub_types::{AttemptId, KeyId, ProviderId, SessionId};

/// Where an answer waits.
#[derive(Debug)]
pub(crate) struct Gate {
    is_open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Gate {
    pub(crate) fn closed() -> Arc<Self> {
        Arc::new(Self { is_open: watch::Sender::new(false), waiting: watch::Sender::new(0) })
    }

    /// Returns when an answer waits.
    pub(crate) async fn is_reached(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }

    async fn pass(&self) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        self.is_open.subscribe().wait_for(|is_open| *is_open).await.unwrap();
    }
}

/// Breakers whose trials are told late.
pub(crate) struct GatedBreakers(pub(crate) MemoryBreakerStore, pub(crate) Arc<Gate>);

#[async_trait]
impl BreakerStore for GatedBreakers {
    async fn refresh(&self, providers: &[ProviderId], now: Timestamp) {
        self.0.refresh(providers, now).await;
    }

    fn health(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> BreakerHealth {
        self.0.health(provider, config, now)
    }

    async fn take_trial(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> TrialAnswer {
        let answer = self.0.take_trial(provider, config, now).await;
        self.1.pass().await;
        answer
    }

    async fn record(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        now: Timestamp,
    ) -> Option<Transition> {
        self.0.record(provider, event, config, now).await
    }

    async fn list(&self, providers: &[(ProviderId, BreakerConfig)], now: Timestamp) -> Vec<Breaker> {
        self.0.list(providers, now).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) {
        self.0.sweep(now).await;
    }
}

/// Sessions whose slots at providers are told late.
pub(crate) struct GatedSessions(pub(crate) MemorySessionStore, pub(crate) Arc<Gate>);

#[async_trait]
impl SessionStore for GatedSessions {
    async fn find_conversation(
        &self,
        key: KeyId,
        hashes: &[ConversationHash],
        now: Timestamp,
    ) -> Result<Option<hub_session::Known>, StoreUnavailable> {
        self.0.find_conversation(key, hashes, now).await
    }

    async fn enter(&self, visit: &Visit<'_>, now: Timestamp) -> Result<Admission, StoreUnavailable> {
        self.0.enter(visit, now).await
    }

    async fn take_slot(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<bool, StoreUnavailable> {
        let answer = self.0.take_slot(session, provider, limit, now).await;
        self.1.pass().await;
        answer
    }

    async fn release_slot(&self, session: &SessionId, provider: ProviderId) {
        self.0.release_slot(session, provider).await;
    }

    async fn drop_binding(&self, session: &SessionId, provider: ProviderId) {
        self.0.drop_binding(session, provider).await;
    }

    fn leave(&self, end: &SessionEnd<'_>, now: Timestamp) {
        self.0.leave(end, now);
    }

    async fn drop_bindings(&self, provider: ProviderId, now: Timestamp) -> Result<u64, StoreUnavailable> {
        self.0.drop_bindings(provider, now).await
    }

    async fn list(&self, limit: usize, now: Timestamp) -> Result<Vec<ActiveSession>, StoreUnavailable> {
        self.0.list(limit, now).await
    }

    async fn find(
        &self,
        session: &SessionId,
        now: Timestamp,
    ) -> Result<Option<ActiveSession>, StoreUnavailable> {
        self.0.find(session, now).await
    }

    async fn count_at(
        &self,
        providers: &[ProviderId],
        now: Timestamp,
    ) -> Result<HashMap<ProviderId, u64>, StoreUnavailable> {
        self.0.count_at(providers, now).await
    }

    async fn end(&self, session: &SessionId, now: Timestamp) -> Result<bool, StoreUnavailable> {
        self.0.end(session, now).await
    }

    async fn survey(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<HashMap<ProviderId, u64>, StoreUnavailable> {
        self.0.survey(providers, observed).await
    }

    async fn clear(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<Cleared, ClearError> {
        self.0.clear(providers, observed).await
    }

    fn keep_messages(&self, session: &SessionId, part: MessagePart, body: Bytes, now: Timestamp) {
        self.0.keep_messages(session, part, body, now);
    }

    async fn messages(
        &self,
        session: &SessionId,
        now: Timestamp,
    ) -> Result<StoredMessages, StoreUnavailable> {
        self.0.messages(session, now).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) {
        self.0.sweep(now).await;
    }
}

/// Limits whose verdicts are told late.
pub(crate) struct GatedLimits(pub(crate) MemoryRateLimiter, pub(crate) Arc<Gate>);

type Answered<T> = Result<T, LimiterUnavailable>;

#[async_trait]
impl RateLimiter for GatedLimits {
    async fn admit(
        &self,
        admission: &hub_rate_limit::Admission<'_>,
        now: Timestamp,
    ) -> Answered<hub_rate_limit::Known<Verdict>> {
        let answer = self.0.admit(admission, now).await;
        self.1.pass().await;
        answer
    }

    fn refresh(&self, ticket: Ticket, now: Timestamp) {
        self.0.refresh(ticket, now);
    }

    fn settle(&self, ticket: Ticket, actual: Amount, now: Timestamp) {
        self.0.settle(ticket, actual, now);
    }

    fn release(&self, ticket: Ticket, now: Timestamp) {
        self.0.release(ticket, now);
    }

    fn charge(&self, attempt: AttemptId, payer: Payer, actual: Amount, now: Timestamp) {
        self.0.charge(attempt, payer, actual, now);
    }

    fn outdate(&self, owner: Owner, at: Timestamp) {
        self.0.outdate(owner, at);
    }

    async fn room(&self, providers: &[(ProviderId, Limits<'_>)], now: Timestamp) -> Answered<Vec<Room>> {
        self.0.room(providers, now).await
    }

    async fn usage(
        &self,
        owner: Owner,
        limits: Limits<'_>,
        now: Timestamp,
    ) -> Answered<hub_rate_limit::Known<Vec<WindowUsage>>> {
        self.0.usage(owner, limits, now).await
    }

    async fn restore(&self, question: &Restore, answer: &[Past], now: Timestamp) -> Answered<()> {
        self.0.restore(question, answer, now).await
    }

    async fn reset(&self, owner: Owner, at: Timestamp) -> Answered<()> {
        self.0.reset(owner, at).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) {
        self.0.sweep(now).await;
    }
}
