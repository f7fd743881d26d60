//! A change that people want to know of.

use hub_types::ProviderId;
use jiff::Timestamp;
use tracing::{info, warn};

use crate::config::BreakerConfig;
use crate::state::{BreakerState, Phase};
use crate::step::{aged, reopens_at};
use crate::time::{Ms, timestamp};

/// A breaker changed its phase. Over all instances each change comes back to exactly one caller, unless they had
/// to go on without each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Whose breaker.
    pub provider: ProviderId,
    /// The phase before.
    pub from: Phase,
    /// The phase now.
    pub to: Phase,
    /// Counted failures that led there: since it was last closed.
    pub failures: u32,
    /// If it is open now: when it will be half-open.
    pub reopens_at: Option<Timestamp>,
}

impl Transition {
    /// Of an event that made `after` of `before`.
    pub(crate) fn between(
        provider: ProviderId,
        before: BreakerState,
        after: BreakerState,
        now: Ms,
        config: BreakerConfig,
    ) -> Option<Self> {
        // What time alone did is a change of its own only if the event did nothing more.
        let aged = aged(before, now, config);
        let from = if after.changed_at == aged.changed_at { before.phase } else { aged.phase };
        let failures = if after.phase == Phase::Closed { before.failures } else { after.failures };
        let reopens_at = (after.phase == Phase::Open).then(|| timestamp(reopens_at(after, config)));
        (from != after.phase).then_some(Self { provider, from, to: after.phase, failures, reopens_at })
    }

    /// Did the provider just turn out to be unwell? That is worth an alert.
    pub fn is_opening(&self) -> bool {
        self.to == Phase::Open
    }

    /// One line in the log, under the target `CircuitBreaker`. `name` is what the operator calls the provider.
    pub fn log(&self, name: &str) {
        let Self { provider, from, to, failures, reopens_at } = self;
        if let Some(reopens_at) = reopens_at {
            warn!(target: "CircuitBreaker", %provider, name, %from, %to, failures, %reopens_at,
                "The provider is left alone for a while");
        } else if *to == Phase::HalfOpen {
            info!(target: "CircuitBreaker", %provider, name, %from, %to, failures,
                "The provider is tried again");
        } else {
            info!(target: "CircuitBreaker", %provider, name, %from, %to, failures,
                "The provider is in use again");
        }
    }
}
