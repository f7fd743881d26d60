//! The machine: what an event makes of a state. Pure; the script in Redis says the same in Lua, and random
//! histories hold the two together.

use crate::config::{BreakerConfig, TRIAL_LEASE_MS};
use crate::state::{BreakerHealth, BreakerState, Phase, Trial};
use crate::time::Ms;

/// Something that matters to a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The provider served a request.
    Success {
        /// The permission that the request had, if any: it ends.
        trial: Option<Trial>,
    },
    /// The provider failed in a way that counts. At most one for each request of a client.
    Failure {
        /// The permission that the request had, if any: it ends.
        trial: Option<Trial>,
    },
    /// Somebody wants to try. Without effect unless the breaker is half-open and nobody else tries.
    TrialTaken,
    /// The trial told nothing about the provider: the client hung up, or its request was at fault.
    TrialGivenBack {
        /// Which trial.
        trial: Trial,
    },
    /// Somebody who looks after the hub closes it.
    Reset,
    /// A probe found the provider well: what is open is half-open early.
    ProbeSuccess,
}

/// What the event makes of the state. `now` is in milliseconds since 1970.
///
/// - **closed**: a failure counts, a success sets the count to 0; the `failure_threshold`th in a row opens.
/// - **open**: requests that were sent before and end now change nothing. Half-open after `open_duration_ms`.
/// - **half-open**: a failure opens again, `half_open_success_threshold` successes close. One trial at a time,
///   for as long as its lease.
///
/// A threshold of 0 closes whatever is not closed.
#[must_use]
pub fn step(state: BreakerState, event: Event, now: i64, config: BreakerConfig) -> BreakerState {
    let state = aged(state, now, config);
    match (event, state.phase) {
        (Event::Reset, _) => closed(state, now),
        (Event::Failure { .. }, Phase::Closed) if config.failure_threshold > 0 => {
            let failures = state.failures.saturating_add(1);
            if failures >= config.failure_threshold {
                opened(state, failures, now)
            } else {
                BreakerState { failures, ..state }
            }
        }
        (Event::Success { .. }, Phase::Closed) => BreakerState { failures: 0, ..state },
        (Event::Failure { .. }, Phase::HalfOpen) => opened(state, state.failures.saturating_add(1), now),
        (Event::Success { trial }, Phase::HalfOpen) => {
            let half_open_successes = state.half_open_successes.saturating_add(1);
            if half_open_successes >= config.successes() {
                closed(state, now)
            } else {
                BreakerState { half_open_successes, ..released(state, trial) }
            }
        }
        (Event::TrialTaken, Phase::HalfOpen) if !is_on_trial(state, now) => {
            BreakerState { trial_until: now.saturating_add(TRIAL_LEASE_MS), ..state }
        }
        (Event::TrialGivenBack { trial }, Phase::HalfOpen) => released(state, Some(trial)),
        (Event::ProbeSuccess, Phase::Open) => half_opened(state, now),
        (
            Event::Success { .. }
            | Event::Failure { .. }
            | Event::TrialTaken
            | Event::TrialGivenBack { .. }
            | Event::ProbeSuccess,
            _,
        ) => state,
    }
}

/// The state as the time that has passed made it.
pub(crate) fn aged(state: BreakerState, now: Ms, config: BreakerConfig) -> BreakerState {
    match state.phase {
        Phase::Closed if config.failure_threshold == 0 => BreakerState { failures: 0, ..state },
        Phase::HalfOpen | Phase::Open if config.failure_threshold == 0 => closed(state, now),
        Phase::Open if now >= reopens_at(state, config) => half_opened(state, reopens_at(state, config)),
        Phase::Closed | Phase::HalfOpen | Phase::Open => state,
    }
}

/// How the breaker stands.
pub(crate) fn health(state: BreakerState, now: Ms, config: BreakerConfig) -> BreakerHealth {
    let state = aged(state, now, config);
    match state.phase {
        Phase::Closed => BreakerHealth::Closed,
        Phase::HalfOpen if is_on_trial(state, now) => BreakerHealth::OnTrial { until: state.trial_until },
        Phase::HalfOpen => BreakerHealth::HalfOpen,
        Phase::Open => BreakerHealth::Open { reopens_at: reopens_at(state, config) },
    }
}

/// When an open one is half-open.
pub(crate) fn reopens_at(state: BreakerState, config: BreakerConfig) -> Ms {
    state.opened_at.saturating_add(config.open_ms())
}

fn is_on_trial(state: BreakerState, now: Ms) -> bool {
    state.trial_until > now
}

/// Later than the last change, also for an instance whose clock is behind.
fn change(state: BreakerState, at: Ms) -> Ms {
    at.max(state.changed_at.saturating_add(1))
}

fn closed(state: BreakerState, now: Ms) -> BreakerState {
    BreakerState { changed_at: change(state, now), ..BreakerState::default() }
}

fn opened(state: BreakerState, failures: u32, now: Ms) -> BreakerState {
    let changed_at = change(state, now);
    BreakerState { phase: Phase::Open, failures, opened_at: now, changed_at, ..BreakerState::default() }
}

fn half_opened(state: BreakerState, at: Ms) -> BreakerState {
    let changed_at = change(state, at);
    BreakerState { phase: Phase::HalfOpen, half_open_successes: 0, trial_until: 0, changed_at, ..state }
}

/// Only whoever holds the lease ends it.
fn released(state: BreakerState, trial: Option<Trial>) -> BreakerState {
    let is_held = trial.is_some_and(|trial| trial.until == state.trial_until);
    BreakerState { trial_until: if is_held { 0 } else { state.trial_until }, ..state }
}

#[cfg(test)]
mod tests;
