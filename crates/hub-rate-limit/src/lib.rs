//! Limits on requests, money and tokens that hold under concurrency.
//!
//! Checking before and charging after lets many parallel requests all pass. So an admission *reserves* what a
//! request may take, over all windows of its key and user at once; settlement replaces the reservation by what it
//! took. [`BudgetMode`] says what that promises. Windows roll by buckets, or turn by the wall clock of the
//! system's zone ([`window`]); money is whole nano-dollars throughout.
//!
//! [`RateLimiter`] is the seam to the counters; all limiters are held to one conformance suite. Counters that
//! were lost ask for the ledger's sums ([`Restore`]) before anybody trusts them. What does not live here: limits
//! on sessions (hub-session), what a request is expected to cost, the ledger itself, and answers to clients.

mod calendar;
mod counter;
#[cfg(feature = "redis")]
mod fallback;
mod judge;
mod limit;
mod limiter;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod restore;
mod rule;
mod time;
pub mod window;

pub use calendar::Calendar;
#[cfg(feature = "redis")]
pub use fallback::FallbackRateLimiter;
pub use judge::{Amount, BudgetMode, Cause, RESERVED_RETRY, Refusal};
pub use limit::{LimitType, Limits, Owner, Quantity};
pub use limiter::{
    Admission, Known, LimiterUnavailable, Payer, RESERVATION_TTL, RESTORE_LEASE, RateLimiter, Room, Ticket,
    Verdict, WindowUsage,
};
pub use memory::{MemoryLimits, MemoryRateLimiter};
#[cfg(feature = "redis")]
pub use redis::{RedisLimits, RedisRateLimiter, WriteFigures};
pub use restore::{Grain, Past, Restore, Wanted};
pub use rule::Slot;
