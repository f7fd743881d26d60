//! What an operator may set about a breaker.

use hub_types::Provider;

use crate::time::Ms;

/// A trial that nobody ends, ends by itself after this long.
pub(crate) const TRIAL_LEASE_MS: Ms = 60_000;

/// How long a state is kept that nothing happens to.
const KEPT: Ms = 24 * 3600 * 1000;
/// Longer than this nothing stays open: the script computes in doubles, and there must be room after it.
const LONGEST: Ms = 1_000_000_000_000;

/// The thresholds of one provider, out of its row. They come with each call, so that an edit holds at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerConfig {
    /// Counted failures in a row that open the breaker; 0 = it never opens, and what is open closes.
    pub failure_threshold: u32,
    /// How long it stays open, ms.
    pub open_duration_ms: u64,
    /// Successes in half-open that close it; 0 counts as 1.
    pub half_open_success_threshold: u32,
}

impl BreakerConfig {
    pub(crate) fn open_ms(self) -> Ms {
        Ms::try_from(self.open_duration_ms).unwrap_or(LONGEST).min(LONGEST)
    }

    pub(crate) fn successes(self) -> u32 {
        self.half_open_success_threshold.max(1)
    }

    /// How long a state is kept after something happened to it: a day, and never less than twice the time that
    /// it stays open, as it must not be forgotten before its trials.
    pub(crate) fn kept_ms(self) -> Ms {
        KEPT.max(2 * self.open_ms())
    }
}

/// How long a state is kept that was only read.
#[cfg(feature = "redis")]
pub(crate) const fn kept_by_default() -> Ms {
    KEPT
}

impl Default for BreakerConfig {
    /// As a new provider has it.
    fn default() -> Self {
        Self { failure_threshold: 5, open_duration_ms: 1_800_000, half_open_success_threshold: 2 }
    }
}

impl From<&Provider> for BreakerConfig {
    fn from(provider: &Provider) -> Self {
        Self {
            failure_threshold: provider.failure_threshold,
            open_duration_ms: provider.open_duration_ms,
            half_open_success_threshold: provider.half_open_success_threshold,
        }
    }
}
