//! Breakers in Redis, with memory to fall back on.

use std::sync::Arc;

use hub_circuit_breaker::{BreakerState, BreakerStore, FallbackBreakerStore, RedisBreakers};
use hub_redis::RedisConnection;
pub(crate) use hub_redis::test_support::{ask_with as ask, connect, connect_with, patient};
pub(crate) use hub_testkit::until;
use hub_types::ProviderId;

use crate::contract::{CONFIG, at};

mod alerts;
mod cluster;
mod contract;
mod crowds;
mod histories;
mod instances;
mod keys;
mod outages;

pub(crate) fn over(connection: Arc<RedisConnection>) -> FallbackBreakerStore {
    FallbackBreakerStore::new(RedisBreakers::new(connection))
}

pub(crate) async fn store(url: &str) -> FallbackBreakerStore {
    over(connect(url).await)
}

/// As the store knows it after asking.
pub(crate) async fn listed(store: &dyn BreakerStore, provider: ProviderId, seconds: i64) -> BreakerState {
    store.list(&[(provider, CONFIG)], at(seconds)).await[0].state
}
