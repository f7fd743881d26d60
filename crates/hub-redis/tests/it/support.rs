//! Connections and batches that several topics need.

use std::time::Duration;

use futures_util::StreamExt;
use hub_redis::{Batch, BatchReplies, RedisConnection, RedisReply, RedisSettings, RedisUrl};
use hub_testkit::{Redis, WireTap};

/// Long enough for whatever is not about time.
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// Does not look after the server in between, so that nothing but the test's own traffic is on the wire.
pub(crate) fn silent() -> RedisSettings {
    RedisSettings { watch_interval: Duration::from_hours(1), command_timeout: LONG, ..Default::default() }
}

pub(crate) async fn connect_to(url: &str, settings: RedisSettings) -> RedisConnection {
    RedisConnection::connect(&RedisUrl::parse(url).unwrap(), settings, None).await.unwrap()
}

/// A server, a tap before it, and a silent connection through the tap.
pub(crate) async fn tapped() -> (Redis, WireTap, RedisConnection) {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let connection = connect_to(&format!("redis://{}", tap.address()), silent()).await;
    (redis, tap, connection)
}

pub(crate) fn get(key: &str) -> Batch {
    let mut batch = Batch::new();
    batch.command("GET", key, []);
    batch
}

pub(crate) fn good(replies: BatchReplies) -> Vec<RedisReply> {
    replies.into_iter().map(Result::unwrap).collect()
}

/// Writes `prefix0`, `prefix1`, … with empty values.
pub(crate) async fn fill(connection: &RedisConnection, prefix: &str, count: usize) {
    let numbers: Vec<usize> = (0..count).collect();
    for numbers in numbers.chunks(1_000) {
        let mut batch = Batch::new();
        for number in numbers {
            batch.command("SET", &format!("{prefix}{number}"), ["".into()]);
        }
        good(connection.run_for(batch, LONG).await.unwrap());
    }
}

/// All keys of a scan, sorted, each once.
pub(crate) async fn scanned(connection: &RedisConnection, pattern: &str, count: u32) -> Vec<String> {
    let pages: Vec<_> = connection.scan(pattern, count).collect().await;
    let mut keys: Vec<String> = pages.into_iter().flat_map(Result::unwrap).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
