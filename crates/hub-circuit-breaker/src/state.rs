//! What is known of a breaker.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The three positions. Their order is that of caution: of two that happened at the same time the later in this
/// order is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Phase {
    /// Requests pass, failures are counted.
    #[default]
    Closed,
    /// One trial at a time passes.
    HalfOpen,
    /// Nobody passes.
    Open,
}

impl Phase {
    /// The stable word, in Redis, logs and interfaces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Not one of the three words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a state of a circuit breaker")]
pub struct UnknownPhase;

impl FromStr for Phase {
    type Err = UnknownPhase;
    fn from_str(text: &str) -> Result<Self, UnknownPhase> {
        let all = [Self::Closed, Self::HalfOpen, Self::Open];
        all.into_iter().find(|phase| phase.as_str() == text).ok_or(UnknownPhase)
    }
}

/// The state of one breaker. Times are milliseconds since 1970; 0 = not at all. What was never heard of is
/// [`BreakerState::default`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BreakerState {
    /// Where it stands. An open one whose time is over counts as half-open, without being written as such until
    /// something happens.
    pub phase: Phase,
    /// Counted failures: in a row while closed; since it was last closed otherwise.
    pub failures: u32,
    /// When it opened.
    pub opened_at: i64,
    /// Successes since it is half-open.
    pub half_open_successes: u32,
    /// Until when the trial in flight has its lease.
    pub trial_until: i64,
    /// When it changed its phase, or was reset. Grows with every change, whatever the clocks of the instances
    /// say: of two states the one with the greater is the newer.
    pub changed_at: i64,
}

/// The permission for one trial. It names its lease, so that ending it does not end somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trial {
    /// When the lease ends by itself, in milliseconds since 1970.
    pub until: i64,
}

/// How a breaker stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerHealth {
    /// Requests pass.
    Closed,
    /// A trial may be taken.
    HalfOpen,
    /// A trial is under way, and nobody else passes until it ends, or its lease does (milliseconds since 1970).
    OnTrial {
        /// The end of the lease.
        until: i64,
    },
    /// Nobody passes.
    Open {
        /// When it will be half-open, in milliseconds since 1970.
        reopens_at: i64,
    },
}

impl BreakerHealth {
    /// May a request be sent to the provider? In half-open only with a trial.
    pub const fn admits(self) -> bool {
        matches!(self, Self::Closed | Self::HalfOpen)
    }

    /// The position it belongs to.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Closed => Phase::Closed,
            Self::HalfOpen | Self::OnTrial { .. } => Phase::HalfOpen,
            Self::Open { .. } => Phase::Open,
        }
    }
}
