//! Sessions remembered in this process: bounded, exact, and gone with the process.
//!
//! One lock around plain data; what is done under it takes some hundred nanoseconds, and work over everything
//! gives the lock back after every chunk of 256 entries. `slab` keeps entries in the order of their use,
//! `table` the sessions with their counts, `conversations` the hashes, `state` what happens as requests come
//! and go, `clearing` the work over everything.

mod clearing;
mod conversations;
mod models;
mod record;
mod slab;
mod state;
mod table;
mod tally;
mod time;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;

use async_trait::async_trait;
use jiff::Timestamp;
use parking_lot::Mutex;

use hub_types::{KeyId, ProviderId, SessionId};

use crate::{
    ActiveSession, Admission, ClearError, Cleared, ConversationHash, Known, Limits, Observed, SessionEnd,
    SessionStore, StoreUnavailable, Visit,
};

use state::State;

/// Sessions in this process. See the module's documentation.
pub struct MemorySessionStore {
    state: Mutex<State>,
}

impl MemorySessionStore {
    /// Remembers nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { state: Mutex::new(State::new(limits)) }
    }

    /// The bytes that are allocated for what is remembered.
    pub fn footprint(&self) -> usize {
        let state = self.state.lock();
        state.table.footprint() + state.conversations.footprint()
    }

    /// How many sessions are remembered: those that count, and those that have a binding.
    pub fn sessions(&self) -> usize {
        self.state.lock().table.len()
    }

    /// How many conversation hashes are remembered.
    pub fn conversations(&self) -> usize {
        self.state.lock().conversations.len()
    }
}

#[async_trait]
impl SessionStore for MemorySessionStore {
    async fn find_conversation(
        &self,
        key: KeyId,
        hashes: &[ConversationHash],
        now: Timestamp,
    ) -> Result<Option<Known>, StoreUnavailable> {
        Ok(self.state.lock().find_conversation(key, hashes, now))
    }

    async fn enter(&self, visit: &Visit<'_>, now: Timestamp) -> Result<Admission, StoreUnavailable> {
        Ok(self.state.lock().enter(visit, now))
    }

    async fn take_slot(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<NonZeroU32>,
        now: Timestamp,
    ) -> Result<bool, StoreUnavailable> {
        Ok(self.state.lock().take_slot(session, provider, limit.map(NonZeroU32::get), now))
    }

    async fn release_slot(&self, session: &SessionId, provider: ProviderId) {
        self.state.lock().release_slot(session, provider);
    }

    async fn drop_binding(&self, session: &SessionId, provider: ProviderId) {
        self.state.lock().drop_binding(session, provider);
    }

    fn leave(&self, end: &SessionEnd<'_>, now: Timestamp) {
        self.state.lock().leave(end, now);
    }

    async fn drop_bindings(&self, provider: ProviderId, now: Timestamp) -> Result<u64, StoreUnavailable> {
        Ok(self.drop_all_bindings(provider, now))
    }

    async fn list(&self, limit: usize, now: Timestamp) -> Result<Vec<ActiveSession>, StoreUnavailable> {
        let mut state = self.state.lock();
        let now = state.advance(now);
        Ok(state.table.active().take(limit).map(|record| record.view(now)).collect())
    }

    async fn find(
        &self,
        session: &SessionId,
        now: Timestamp,
    ) -> Result<Option<ActiveSession>, StoreUnavailable> {
        let mut state = self.state.lock();
        let now = state.advance(now);
        let ix = state.table.live(session, now);
        Ok(ix.and_then(|ix| state.table.get(ix)).map(|record| record.view(now)))
    }

    async fn count_at(
        &self,
        providers: &[ProviderId],
        now: Timestamp,
    ) -> Result<HashMap<ProviderId, u64>, StoreUnavailable> {
        let mut state = self.state.lock();
        let now = state.advance(now);
        Ok(providers.iter().map(|id| (*id, u64::from(state.table.count_at(*id, now)))).collect())
    }

    async fn end(&self, session: &SessionId, now: Timestamp) -> Result<bool, StoreUnavailable> {
        Ok(self.end_one(session, now))
    }

    async fn survey(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<HashMap<ProviderId, u64>, StoreUnavailable> {
        Ok(self.count_bindings(providers, observed))
    }

    async fn clear(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> Result<Cleared, ClearError> {
        Ok(self.clear_bound(providers, observed))
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn sweep(&self, now: Timestamp) {
        self.sweep_all(now);
    }
}
