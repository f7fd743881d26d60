//! The store in Redis, and with memory to fall back on.

pub(crate) use hub_redis::test_support::{all_keys, ask, connect, connect_with, patient};
use hub_session::{Limits, RedisSessionStore};
pub(crate) use hub_testkit::until;

mod clearing;
mod cluster;
mod contract;
mod crowds;
mod outages;
mod pending;
mod table;

pub(crate) async fn store(url: &str) -> RedisSessionStore {
    RedisSessionStore::new(connect(url).await, Limits::default())
}
