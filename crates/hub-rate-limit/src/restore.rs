//! How counters that were lost come back from the ledger.
//!
//! A limiter that does not know an owner's past says what it has to read ([`Restore`]), to one caller at a time.
//! From `before` on it counts itself; what lies before has to come from the
//! ledger, whole, and is not counted when it is told later: whoever reads waits until every ledger line with an
//! earlier time is written. A charge counts by the time it is settled with, so
//! that time has to be the ledger line's.

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::limit::Owner;
use crate::rule::Slot;

/// How finely the ledger is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grain {
    /// One sum.
    Whole,
    /// A sum for each minute, under the time of its first charge. What cost nothing is no charge.
    Minute,
    /// A sum for each second.
    Second,
}

/// A counter and what has to be read for it: charges at or after `from` (`None` = of all time), and before the
/// question's `before`. [`Slot::Rpm`] counts requests that were let in, [`Slot::Tokens`] tokens, all others
/// nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Which counter.
    pub slot: Slot,
    /// From when on.
    pub from: Option<Timestamp>,
    /// How finely.
    pub grain: Grain,
}

/// A question to the ledger: what was charged to this owner?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// Whose counters.
    pub owner: Owner,
    /// Only what happened before this.
    pub before: Timestamp,
    /// Which, and from when on.
    pub wanted: SmallVec<[Wanted; 4]>,
}

/// The ledger's answer for one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// What was asked.
    pub wanted: Wanted,
    /// When, and how much; by time. For [`Grain::Whole`] one sum at whatever time before the question.
    pub charges: Vec<(Timestamp, i64)>,
}

impl Restore {
    /// The answer to this question if nothing was ever charged.
    pub fn nothing(&self) -> Vec<Past> {
        self.wanted.iter().map(|wanted| Past { wanted: *wanted, charges: Vec::new() }).collect()
    }
}
