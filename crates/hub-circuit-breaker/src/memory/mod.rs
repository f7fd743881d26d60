//! States in this process.

mod table;

use async_trait::async_trait;
use hub_types::ProviderId;
use jiff::Timestamp;

pub(crate) use self::table::Table;
use crate::config::BreakerConfig;
use crate::state::{BreakerHealth, BreakerState, Phase};
use crate::step::{Event, health, step};
use crate::store::{Breaker, BreakerStore, Permission, TrialAnswer, breaker, permission};
use crate::time::{Ms, ms};
use crate::transition::Transition;

/// What is kept of a breaker.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    state: BreakerState,
    kept_until: Ms,
}

/// Breakers of one process. Grows with the providers that have failed lately.
#[derive(Debug, Default)]
pub struct MemoryBreakerStore {
    table: Table<Entry>,
}

impl MemoryBreakerStore {
    /// One in which every breaker is closed.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self, provider: ProviderId) -> BreakerState {
        self.table.read(provider, |entry| entry.state).unwrap_or_default()
    }

    /// The states before and after.
    fn take(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        now: Ms,
    ) -> (BreakerState, BreakerState) {
        let state = self.state(provider);
        // What nearly every request says: it changes nothing, and needs no lock.
        if matches!(event, Event::Success { .. }) && state.phase == Phase::Closed && state.failures == 0 {
            return (state, state);
        }
        self.table.change(|entries| {
            let entry = entries.of(provider);
            let before = entry.map_or_else(BreakerState::default, |entry| entry.state);
            let after = step(before, event, now, config);
            if after != before {
                let kept_until = now.saturating_add(config.kept_ms());
                entries.put(provider, Entry { state: after, kept_until });
            }
            (before, after)
        })
    }
}

#[async_trait]
impl BreakerStore for MemoryBreakerStore {
    async fn refresh(&self, _providers: &[ProviderId], _now: Timestamp) {}

    fn health(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> BreakerHealth {
        health(self.state(provider), ms(now), config)
    }

    async fn take_trial(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> TrialAnswer {
        let now = ms(now);
        if health(self.state(provider), now, config) == BreakerHealth::Closed {
            return TrialAnswer { permission: Permission::Free, transition: None };
        }
        let (before, after) = self.take(provider, Event::TrialTaken, config, now);
        TrialAnswer {
            permission: permission(before, after, now, config),
            transition: Transition::between(provider, before, after, now, config),
        }
    }

    async fn record(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        now: Timestamp,
    ) -> Option<Transition> {
        let now = ms(now);
        let (before, after) = self.take(provider, event, config, now);
        Transition::between(provider, before, after, now, config)
    }

    async fn list(&self, providers: &[(ProviderId, BreakerConfig)], now: Timestamp) -> Vec<Breaker> {
        let now = ms(now);
        let view = |&(provider, config)| breaker(provider, self.state(provider), now, config);
        providers.iter().map(view).collect()
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn sweep(&self, now: Timestamp) {
        let now = ms(now);
        self.table.retain(|entry| entry.kept_until > now);
    }
}
