//! The seam to the counters.

use std::time::Duration;

use async_trait::async_trait;
use hub_types::{AttemptId, KeyId, ProviderId, RequestId, UserId};
use jiff::Timestamp;
use thiserror::Error;

use crate::judge::{Amount, BudgetMode, Refusal};
use crate::limit::{LimitType, Limits, Owner, Quantity};
use crate::restore::{Past, Restore};

/// How long a reservation lasts that nobody settles, releases or refreshes (RESERVATION_TTL_MS).
pub const RESERVATION_TTL: Duration = Duration::from_secs(15 * 60);

/// How long a caller has to answer a [`Restore`] before another one is asked.
pub const RESTORE_LEASE: Duration = Duration::from_secs(5);

/// The limiter can't answer at the moment. Requests go on without it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the rate limiter is unavailable: {0}")]
pub struct LimiterUnavailable(pub String);

type Result<T> = std::result::Result<T, LimiterUnavailable>;

/// Whose request: what a reservation is filed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The request.
    pub request: RequestId,
    /// The key's owner.
    pub user: UserId,
    /// The key.
    pub key: KeyId,
}

/// A request asks to pass.
#[derive(Debug, Clone, Copy)]
pub struct Admission<'a> {
    /// Which, and whose.
    pub ticket: Ticket,
    /// The user's limits.
    pub user: Limits<'a>,
    /// The key's limits.
    pub key: Limits<'a>,
    /// What it is expected to take: reserved by [`BudgetMode::Balanced`].
    pub estimate: Amount,
    /// The most it can take: reserved by [`BudgetMode::Strict`].
    pub worst_case: Amount,
    /// How budgets are held.
    pub mode: BudgetMode,
}

impl Admission<'_> {
    /// What is reserved if it is admitted.
    pub(crate) fn reserved(&self) -> Amount {
        match self.mode {
            BudgetMode::Balanced => self.estimate,
            BudgetMode::Strict => self.worst_case.max(self.estimate),
        }
    }
}

/// An answer that depends on counters, which may be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    /// The counters are to be trusted.
    Yes(T),
    /// They have to be read from the ledger first, by whoever gets this: [`RateLimiter::restore`] each, then ask
    /// again. Nothing was counted or booked.
    Restore(Vec<Restore>),
    /// Somebody else is reading them: ask again shortly. Nothing was counted or booked.
    Restoring,
}

/// What became of an admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is counted, and what it may take is reserved until [`RateLimiter::settle`].
    Admitted,
    /// A limit is reached. Nothing was counted or booked.
    Refused(Refusal),
}

/// Has a provider room in its windows?
pub type Room = Known<Option<Refusal>>;

/// One limit and how much of it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowUsage {
    /// Which limit.
    pub limit_type: LimitType,
    /// Charged in the current window.
    pub used: Quantity,
    /// Reserved by requests in flight.
    pub reserved: Quantity,
    /// What the limit is.
    pub limit: Quantity,
    /// When the window turns, or everything that counts now has aged out. `None` for totals, and for windows
    /// that begin with a charge as long as there is none.
    pub reset: Option<Timestamp>,
}

/// Who pays for an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payer {
    /// The provider's windows.
    Provider(ProviderId),
    /// The windows of a key and its user: for what is known only after the request was settled.
    Caller(UserId, KeyId),
}

/// Counters of requests, money and tokens. Implementations: in this process, and in Redis. `now` is an input,
/// so that tests need not wait; for charges it is the time of the ledger line.
///
/// What does not return a future does not wait for what is remote.
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Checks all windows of key and user, counts the request and reserves what it may take: all of it at once,
    /// or nothing. Where several limits refuse, the one that will last longest is told, of equal ones the key's.
    /// Asked twice for the same request, it counts once.
    async fn admit(&self, admission: &Admission<'_>, now: Timestamp) -> Result<Known<Verdict>>;

    /// The request is still running: its reservation lasts for another [`RESERVATION_TTL`]. One that has lapsed
    /// is gone for good.
    fn refresh(&self, ticket: Ticket, now: Timestamp);

    /// The request has ended and took this: replaces its reservation. Charged all the same if there is none any
    /// more, and once however often it is told (within the last some thousand requests).
    fn settle(&self, ticket: Ticket, actual: Amount, now: Timestamp);

    /// The request has ended and cost nothing: drops its reservation. It still counts as a request.
    fn release(&self, ticket: Ticket, now: Timestamp);

    /// Charges an attempt without any reservation, once however often it is told.
    fn charge(&self, attempt: AttemptId, payer: Payer, actual: Amount, now: Timestamp);

    /// Which of these providers have room in their windows: an answer each, in the same order.
    async fn room(&self, providers: &[(ProviderId, Limits<'_>)], now: Timestamp) -> Result<Vec<Room>>;

    /// How much of each limit is taken, in the order of [`LimitType`].
    async fn usage(
        &self,
        owner: Owner,
        limits: Limits<'_>,
        now: Timestamp,
    ) -> Result<Known<Vec<WindowUsage>>>;

    /// The ledger's answer to a [`Restore`]. What it does not answer will be asked again; what was not asked, or
    /// has been answered, is left alone.
    async fn restore(&self, question: &Restore, answer: &[Past], now: Timestamp) -> Result<()>;

    /// A line of this owner with this time came into the ledger so late that an answer to a [`Restore`] may lack
    /// it. Counters that were restored up to a later moment are dropped, so that they are read again; others are
    /// left alone, and so are requests per minute, which are right again by themselves before long.
    fn outdate(&self, owner: Owner, at: Timestamp);

    /// Charges before this moment count no longer, in any window. Requests per minute and reservations stay.
    /// To be called when the owner's row has its new `cost_reset_at`: that moment.
    async fn reset(&self, owner: Owner, at: Timestamp) -> Result<()>;

    /// Is it seen by other processes, too?
    fn is_shared(&self) -> bool;

    /// Drops what has lapsed. To be called now and then.
    async fn sweep(&self, now: Timestamp);
}
