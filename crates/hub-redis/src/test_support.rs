//! For tests of the crates that keep something in Redis: patient connections, and looking at keys. Behind the
//! feature `test-support`; everything here panics where a test could not go on.
#![expect(clippy::unwrap_used, reason = "only tests use it, and they want to see where they failed")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::{Batch, RedisConnection, RedisReply, RedisSettings, RedisUrl};

/// Patient, as a test machine may be busy.
pub fn patient() -> RedisSettings {
    RedisSettings { command_timeout: Duration::from_secs(5), ..RedisSettings::default() }
}

/// A connection without TLS.
pub async fn connect_with(url: &str, settings: RedisSettings) -> Arc<RedisConnection> {
    let url = RedisUrl::parse(url).unwrap();
    Arc::new(RedisConnection::connect(&url, settings, None).await.unwrap())
}

/// A patient connection.
pub async fn connect(url: &str) -> Arc<RedisConnection> {
    connect_with(url, patient()).await
}

/// One command about one key.
pub async fn ask(connection: &RedisConnection, name: &'static str, key: &str) -> RedisReply {
    ask_with(connection, name, key, &[]).await
}

/// One command about one key, with arguments after it.
pub async fn ask_with(
    connection: &RedisConnection,
    name: &'static str,
    key: &str,
    arguments: &[&str],
) -> RedisReply {
    let mut batch = Batch::new();
    batch.command_with(name, key, arguments.iter().map(|argument| (*argument).into()));
    connection.run(batch).await.unwrap().pop().unwrap().unwrap()
}

/// All keys, sorted.
pub async fn all_keys(connection: &RedisConnection) -> Vec<String> {
    let pages: Vec<_> = connection.scan("*", 500).collect().await;
    let mut keys: Vec<String> = pages.into_iter().flat_map(Result::unwrap).collect();
    keys.sort();
    keys.dedup();
    keys
}
