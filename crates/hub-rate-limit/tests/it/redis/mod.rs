//! The limiter in Redis, and with memory to fall back on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_rate_limit::{Calendar, RedisLimits, RedisRateLimiter};
use hub_redis::{Batch, RedisConnection, RedisReply, RedisSettings, RedisUrl};
use jiff::tz::TimeZone;

mod contract;
mod database;

/// Patient, as a test machine may be busy.
pub(crate) fn patient() -> RedisSettings {
    RedisSettings { command_timeout: Duration::from_secs(5), ..RedisSettings::default() }
}

pub(crate) async fn connect_with(url: &str, settings: RedisSettings) -> Arc<RedisConnection> {
    let url = RedisUrl::parse(url).unwrap();
    Arc::new(RedisConnection::connect(&url, settings, None).await.unwrap())
}

pub(crate) async fn connect(url: &str) -> Arc<RedisConnection> {
    connect_with(url, patient()).await
}
