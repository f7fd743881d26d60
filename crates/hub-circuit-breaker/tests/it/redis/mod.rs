//! Breakers in Redis, with memory to fall back on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_circuit_breaker::{BreakerState, BreakerStore, FallbackBreakerStore, RedisBreakers};
use hub_redis::{Batch, RedisConnection, RedisReply, RedisSettings, RedisUrl};
use hub_types::ProviderId;

use crate::contract::{CONFIG, at};

mod alerts;
mod cluster;
mod contract;
mod crowds;
mod database;
mod histories;
mod instances;
mod keys;
mod outages;

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

pub(crate) fn over(connection: Arc<RedisConnection>) -> FallbackBreakerStore {
    FallbackBreakerStore::new(RedisBreakers::new(connection))
}

pub(crate) async fn store(url: &str) -> FallbackBreakerStore {
    over(connect(url).await)
}

/// One command about one key.
pub(crate) async fn ask(
    connection: &RedisConnection,
    name: &'static str,
    key: &str,
    arguments: &[&str],
) -> RedisReply {
    let mut batch = Batch::new();
    batch.command_with(name, key, arguments.iter().map(|argument| (*argument).into()));
    connection.run(batch).await.unwrap().remove(0).unwrap()
}

/// As the store knows it after asking.
pub(crate) async fn listed(store: &dyn BreakerStore, provider: ProviderId, seconds: i64) -> BreakerState {
    store.list(&[(provider, CONFIG)], at(seconds)).await[0].state
}

/// Asks again and again, at most for ten seconds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < end, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
