//! The seam to where states are kept.

use async_trait::async_trait;
use hub_types::ProviderId;
use jiff::Timestamp;

use crate::config::BreakerConfig;
use crate::state::{BreakerHealth, BreakerState, Trial};
use crate::step::{Event, aged, health};
use crate::time::Ms;
use crate::transition::Transition;

/// May a request be sent to the provider?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Yes.
    Free,
    /// Yes, as the one trial of a half-open breaker. What becomes of it is to be recorded with this.
    Trial(Trial),
    /// No: the breaker is open, or somebody else tries.
    Refused,
}

/// The answer to [`BreakerStore::take_trial`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrialAnswer {
    /// May the request be sent?
    pub permission: Permission,
    /// The first trial makes an open breaker half-open.
    pub transition: Option<Transition>,
}

/// A breaker for people to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// Whose.
    pub provider: ProviderId,
    /// How it stands.
    pub health: BreakerHealth,
    /// Its state, as the time that has passed made it.
    pub state: BreakerState,
}

/// The states of breakers. Implementations: in this process, and in Redis with this process to fall back on. None
/// of it fails: what is remote is done without while it is away. `now` is an input, so that tests need not wait;
/// instances that share states need clocks that agree to within seconds.
///
/// A request goes like this: [`BreakerStore::refresh`] for the providers that it may be sent to; a choice that
/// asks [`BreakerStore::health`]; [`BreakerStore::take_trial`] for the provider that was picked; and, when it has
/// ended there, [`BreakerStore::record`], once.
#[async_trait]
pub trait BreakerStore: Send + Sync + 'static {
    /// Brings what this process knows of these providers up to date. At most one round trip, and none if it has
    /// been brought up to date just now. Not needed where nothing is shared.
    async fn refresh(&self, providers: &[ProviderId], now: Timestamp);

    /// How a breaker stands as far as this process knows. Does not wait, and allocates nothing.
    fn health(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> BreakerHealth;

    /// Asks to be let through: at a closed breaker without more ado, at a half-open one as its only trial over
    /// all instances.
    async fn take_trial(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> TrialAnswer;

    /// Tells what happened. Waits for at most one round trip; where a client waits, its answer should go first.
    /// A future that is dropped leaves open whether it was told.
    async fn record(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        now: Timestamp,
    ) -> Option<Transition>;

    /// Closes it, whatever was.
    async fn reset(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> Option<Transition> {
        self.record(provider, Event::Reset, config, now).await
    }

    /// How these providers stand, one answer each in the same order. Asks everybody there is to ask.
    async fn list(&self, providers: &[(ProviderId, BreakerConfig)], now: Timestamp) -> Vec<Breaker>;

    /// Is it seen by other processes, too?
    fn is_shared(&self) -> bool;

    /// Tells others what they have missed, and forgets what nothing has happened to for a day. To be called
    /// every few seconds.
    async fn sweep(&self, now: Timestamp);
}

/// What the taking of a trial, which made `after` of `before`, means for who asked.
pub(crate) fn permission(
    before: BreakerState,
    after: BreakerState,
    now: Ms,
    config: BreakerConfig,
) -> Permission {
    match health(before, now, config) {
        BreakerHealth::Closed => Permission::Free,
        BreakerHealth::HalfOpen => Permission::Trial(Trial { until: after.trial_until }),
        BreakerHealth::OnTrial { .. } | BreakerHealth::Open { .. } => Permission::Refused,
    }
}

/// For people to look at.
pub(crate) fn breaker(provider: ProviderId, state: BreakerState, now: Ms, config: BreakerConfig) -> Breaker {
    Breaker { provider, health: health(state, now, config), state: aged(state, now, config) }
}
