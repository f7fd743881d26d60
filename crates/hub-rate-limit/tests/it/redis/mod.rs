//! The limiter in Redis, and with memory to fall back on.

use std::sync::Arc;
use std::time::Duration;

use hub_rate_limit::{Calendar, RedisLimits, RedisRateLimiter};
pub(crate) use hub_redis::test_support::{all_keys, ask, connect, connect_with, patient};
pub(crate) use hub_testkit::until;
use jiff::tz::TimeZone;

mod agreement;
mod cluster;
mod contract;
mod exactness;
mod losses;
mod outages;
mod schedules;
mod slowness;
mod table;
mod traffic;

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn utc() -> Arc<Calendar> {
    Arc::new(Calendar::new(TimeZone::UTC))
}

pub(crate) async fn limiter(url: &str) -> RedisRateLimiter {
    RedisRateLimiter::new(connect(url).await, RedisLimits::default(), utc())
}
