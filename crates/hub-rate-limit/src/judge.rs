//! May a request pass one limit? And which refusal is told, if several limits refuse it.

use std::time::Duration;

use hub_types::Money;
use jiff::Timestamp;

use crate::limit::{LimitType, Owner, Quantity};
use crate::time::{Ms, timestamp, until};

/// How soon to try again when others' requests in flight hold what is left.
pub const RESERVED_RETRY: Duration = Duration::from_secs(2);

/// How budgets are held while requests are in flight (BUDGET_MODE). Nobody passes a limit that is used up.
///
/// What each mode promises, for every window: let `A` be the last request that it admitted, and `F` the requests
/// in flight right after that, `A` among them. What is used in the window in the end exceeds the limit by at
/// most
///
/// - `Balanced`: the sum over `F` of max(0, actual − estimate), and if `A` passed as a lone request, also
///   max(0, used + estimate of `A` − limit) at that moment;
/// - `Strict`: nothing, as long as no request costs more than its worst case.
///
/// A request whose reservation lapsed before it was settled (nobody refreshed it for its time to live) counts
/// as one with an estimate of zero, even in `Strict`.
///
/// Windows are those of the clock that is furthest ahead: what a hub with a slower one charges at a time before a
/// window that has turned belongs to the one before, which nobody looks at any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BudgetMode {
    /// Admits when used + reserved + estimate ≤ limit, or when nothing is reserved and used < limit: a lone
    /// request is never refused while anything is left.
    #[default]
    Balanced,
    /// Admits when used + reserved + worst case ≤ limit.
    Strict,
}

/// What a request takes, or took, from budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Its cost; below zero counts as nothing.
    pub money: Money,
    /// Tokens in and out.
    pub tokens: u64,
}

impl Amount {
    pub(crate) fn nanos(self) -> i64 {
        self.money.nanos().max(0)
    }

    pub(crate) fn whole_tokens(self) -> i64 {
        i64::try_from(self.tokens).unwrap_or(i64::MAX)
    }

    /// The larger of both, in each part.
    pub(crate) fn max(self, other: Self) -> Self {
        Self { money: self.money.max(other.money), tokens: self.tokens.max(other.tokens) }
    }
}

/// Why a limit refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It is used up.
    Spent,
    /// What is left is reserved by requests in flight.
    Reserved,
    /// Strict only: the worst case is more than what is left, even if nothing were reserved.
    TooLarge,
}

/// A limit that refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Whose limit.
    pub owner: Owner,
    /// Which.
    pub limit_type: LimitType,
    /// Why.
    pub cause: Cause,
    /// Used in the current window.
    pub current: Quantity,
    /// Reserved by requests in flight.
    pub reserved: Quantity,
    /// What the limit is.
    pub limit: Quantity,
    /// When enough has aged out, or the window turns. `None` = no waiting helps.
    pub reset: Option<Timestamp>,
    /// How long to wait before trying again; exact, to be rounded up. `None` as above.
    pub retry_after: Option<Duration>,
}

/// A limit's state when a request asks to pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) used: i64,
    pub(crate) reserved: i128,
    pub(crate) limit: i64,
    /// What the request takes: its estimate, or its worst case.
    pub(crate) amount: i64,
}

impl Standing {
    /// `None` = it may pass.
    pub(crate) fn judge(&self, mode: BudgetMode) -> Option<Cause> {
        let (used, limit, amount) = (i128::from(self.used), i128::from(self.limit), i128::from(self.amount));
        if used >= limit {
            // Even if it is expected to cost nothing.
            return Some(Cause::Spent);
        }
        if used + self.reserved + amount <= limit {
            return None;
        }
        match mode {
            BudgetMode::Balanced if self.reserved <= 0 => None,
            BudgetMode::Strict if used + amount > limit => Some(Cause::TooLarge),
            BudgetMode::Balanced | BudgetMode::Strict => Some(Cause::Reserved),
        }
    }

    /// How little has to be used for the request to pass when nothing else is in flight. `None` = never.
    fn target(&self, cause: Cause, mode: BudgetMode) -> Option<i64> {
        let lone = self.limit - 1;
        match (cause, mode) {
            (Cause::Reserved, _) | (_, BudgetMode::Balanced) => Some(lone),
            (_, BudgetMode::Strict) => {
                Some(self.limit - self.amount).filter(|target| *target >= 0).map(|t| t.min(lone))
            }
        }
    }

    /// The refusal by this limit. `falls_to` tells when the counter is down to a target.
    pub(crate) fn refusal(
        &self,
        (owner, limit_type): (Owner, LimitType),
        cause: Cause,
        mode: BudgetMode,
        now: Ms,
        falls_to: impl Fn(i64) -> Option<Ms>,
    ) -> Refusal {
        let reset = self.target(cause, mode).and_then(falls_to);
        let retry_after = match cause {
            Cause::Reserved => {
                let turn = reset.map_or(RESERVED_RETRY, |reset| until(reset, now));
                Some(RESERVED_RETRY.min(turn))
            }
            Cause::Spent | Cause::TooLarge => reset.map(|reset| until(reset, now)),
        };
        let quantity = |number| limit_type.quantity(number);
        Refusal {
            owner,
            limit_type,
            cause,
            current: quantity(self.used.into()),
            reserved: quantity(self.reserved),
            limit: quantity(self.limit.into()),
            reset: reset.map(timestamp),
            retry_after,
        }
    }
}

/// The refusal that will last longest, so that whoever follows its advice is not refused again at once; of equal
/// ones the first.
pub(crate) fn longest(refusals: impl IntoIterator<Item = Refusal>) -> Option<Refusal> {
    let wait = |refusal: &Refusal| refusal.retry_after.unwrap_or(Duration::MAX);
    refusals.into_iter().reduce(|first, next| if wait(&next) > wait(&first) { next } else { first })
}
