//! Work over everything that is remembered. The lock is given back after every chunk.

use std::collections::{HashMap, HashSet};

use hub_types::{ProviderId, SessionId};
use jiff::Timestamp;

use crate::{Cleared, Observed};

use super::MemorySessionStore;
use super::record::Record;
use super::slab::Ix;
use super::state::State;
use super::time::Ms;

/// The sessions of one chunk that are bound to a provider that `is_meant`, and to which.
fn bound(state: &State, chunk: usize, is_meant: impl Fn(ProviderId) -> bool) -> Vec<(Ix, ProviderId)> {
    let binding = |record: &Record, now: Ms| record.bound(now).map(|binding| binding.provider);
    let records = state.table.chunk(chunk);
    records
        .filter_map(|(ix, record)| Some((ix, binding(record, state.clock).filter(|id| is_meant(*id))?)))
        .collect()
}

impl MemorySessionStore {
    /// Does something with every chunk of sessions.
    fn each_chunk(&self, observed: Observed<'_>, mut act: impl FnMut(&mut State, usize)) {
        let (mut chunk, mut looked_at) = (0, 0);
        loop {
            let mut state = self.state.lock();
            if chunk >= state.table.chunks() {
                return;
            }
            looked_at += state.table.chunk(chunk).count() as u64;
            act(&mut state, chunk);
            drop(state);
            observed(looked_at);
            chunk += 1;
        }
    }

    /// Does something with every chunk of conversation hashes.
    fn each_conversation_chunk(&self, mut act: impl FnMut(&mut State, usize)) {
        let mut chunk = 0;
        loop {
            let mut state = self.state.lock();
            if chunk >= state.conversations.chunks() {
                return;
            }
            act(&mut state, chunk);
            drop(state);
            chunk += 1;
        }
    }

    pub(super) fn sweep_all(&self, now: Timestamp) {
        let now = self.state.lock().advance(now);
        self.each_chunk(&|_| (), |state, chunk| state.table.sweep(chunk, now));
        self.each_conversation_chunk(|state, chunk| state.conversations.sweep(chunk, now));
        self.state.lock().table.models.tidy();
    }

    pub(super) fn drop_all_bindings(&self, provider: ProviderId, now: Timestamp) -> u64 {
        self.state.lock().advance(now);
        let mut dropped = 0;
        self.each_chunk(&|_| (), |state, chunk| {
            for (ix, _) in bound(state, chunk, |id| id == provider) {
                if let Some(record) = state.table.get_mut(ix) {
                    record.binding = None;
                    dropped += 1;
                }
            }
        });
        dropped
    }

    pub(super) fn end_one(&self, session: &SessionId, now: Timestamp) -> bool {
        let mut state = self.state.lock();
        let now = state.advance(now);
        let Some(ix) = state.table.live(session, now) else { return false };
        state.table.remove(ix);
        drop(state);
        self.forget_conversations(&HashSet::from([session.clone()]));
        true
    }

    pub(super) fn count_bindings(
        &self,
        providers: &HashSet<ProviderId>,
        observed: Observed<'_>,
    ) -> HashMap<ProviderId, u64> {
        let mut counts: HashMap<ProviderId, u64> = providers.iter().map(|id| (*id, 0)).collect();
        self.each_chunk(observed, |state, chunk| {
            for (_, provider) in bound(state, chunk, |id| providers.contains(&id)) {
                *counts.entry(provider).or_default() += 1;
            }
        });
        counts
    }

    pub(super) fn clear_bound(&self, providers: &HashSet<ProviderId>, observed: Observed<'_>) -> Cleared {
        let mut cleared = Cleared::default();
        let mut gone = HashSet::new();
        self.each_chunk(observed, |state, chunk| {
            for (ix, provider) in bound(state, chunk, |id| providers.contains(&id)) {
                gone.extend(state.table.get(ix).map(|record| record.id.clone()));
                state.table.remove(ix);
                *cleared.sessions.entry(provider).or_default() += 1;
            }
        });
        cleared.conversations = self.forget_conversations(&gone);
        cleared
    }

    /// How many hashes led to these sessions.
    fn forget_conversations(&self, sessions: &HashSet<SessionId>) -> u64 {
        let mut forgotten = 0;
        if !sessions.is_empty() {
            self.each_conversation_chunk(|state, chunk| {
                forgotten += state.conversations.forget(chunk, sessions);
            });
        }
        forgotten
    }
}
