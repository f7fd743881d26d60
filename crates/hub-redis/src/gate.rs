//! The gate: a Redis that is too slow is left alone for a moment, which costs less than waiting for it.
//!
//! Three time-outs in a row open it. While it is open, nobody is sent to Redis for a second; then one at a time
//! may try. An answer closes it, a time-out of the one who tried begins the next second. An unreachable Redis
//! neither opens nor closes it: finding that out takes no time.
//!
//! An answer that came just in time is as bad as a time-out to whoever waited for it, and no sign that the next
//! one will come in time. It counts as one, or a Redis at the edge would open and close the gate for ever.

use std::time::Duration;

use tokio::time::Instant;

/// So many time-outs in a row open it.
const PATIENCE: u32 = 3;
/// How long nobody is sent to Redis then.
const PAUSE: Duration = Duration::from_secs(1);

/// An answer that took longer than this counts as none, where a command may take `timeout`.
pub(crate) fn too_slow(timeout: Duration) -> Duration {
    timeout * 3 / 4
}

/// Open: fail open, Redis is skipped. Closed: it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Closed {
        /// In a row, up to now.
        too_slow: u32,
    },
    Open {
        /// The end of the pause.
        until: Instant,
        /// Is somebody trying at the moment?
        is_tried: bool,
    },
}

/// What the gate says to somebody who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Go, like everybody.
    Free,
    /// Go, and be the only one.
    Trial,
    /// Do without Redis.
    Skip,
}

/// What became of somebody who went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Redis said something, and soon.
    Answered,
    /// It did not in time, or only just.
    TooSlow,
    /// Nobody knows: it was not reachable, or the caller did not wait for the answer.
    Unknown,
}

/// A change of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Opened,
    Closed,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        Self::Closed { too_slow: 0 }
    }

    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }

    pub(crate) fn enter(&mut self, now: Instant) -> Entry {
        match self {
            Self::Closed { .. } => Entry::Free,
            Self::Open { until, is_tried } if now >= *until && !*is_tried => {
                *is_tried = true;
                Entry::Trial
            }
            Self::Open { .. } => Entry::Skip,
        }
    }

    /// Somebody who entered is back.
    pub(crate) fn leave(&mut self, entry: Entry, outcome: Outcome, now: Instant) -> Option<Change> {
        match (&mut *self, outcome) {
            (_, Outcome::Answered) => {
                let before = std::mem::replace(self, Self::new());
                before.is_open().then_some(Change::Closed)
            }
            (Self::Closed { too_slow }, Outcome::TooSlow) => {
                *too_slow += 1;
                if *too_slow < PATIENCE {
                    return None;
                }
                *self = Self::Open { until: now + PAUSE, is_tried: false };
                Some(Change::Opened)
            }
            (Self::Open { until, is_tried }, outcome) if entry == Entry::Trial => {
                *is_tried = false;
                if outcome == Outcome::TooSlow {
                    *until = now + PAUSE;
                }
                None
            }
            // Somebody who went before the gate opened brings no news.
            (Self::Open { .. } | Self::Closed { .. }, _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
