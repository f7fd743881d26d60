//! The store in Redis, and with memory to fall back on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_redis::{Batch, RedisConnection, RedisReply, RedisSettings, RedisUrl};
use hub_session::{Limits, RedisSessionStore};

mod clearing;
mod cluster;
mod contract;
mod crowds;
pub(crate) mod database;
mod outages;
mod pending;
mod table;

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

pub(crate) async fn store(url: &str) -> RedisSessionStore {
    RedisSessionStore::new(connect(url).await, Limits::default())
}

/// One command about one key.
pub(crate) async fn ask(connection: &RedisConnection, name: &'static str, key: &str) -> RedisReply {
    let mut batch = Batch::new();
    batch.command(name, key, []);
    connection.run(batch).await.unwrap().remove(0).unwrap()
}

/// All keys, sorted.
pub(crate) async fn all_keys(connection: &RedisConnection) -> Vec<String> {
    use futures_util::StreamExt;
    let pages: Vec<_> = connection.scan("*", 500).collect().await;
    let mut keys: Vec<String> = pages.into_iter().flat_map(Result::unwrap).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Asks again and again, at most for ten seconds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < end, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
