//! A look into Redis, beside the hubs.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use hub_redis::{Batch, RedisConnection, RedisReply, RedisSettings, RedisUrl};

use crate::harness::eventually;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection of the test's own.
pub(super) struct Store(RedisConnection);

impl Store {
    pub(super) async fn at(url: &str) -> Self {
        let url = RedisUrl::parse(url).unwrap();
        let settings = RedisSettings { command_timeout: Duration::from_secs(10), ..RedisSettings::default() };
        Self(RedisConnection::connect(&url, settings, None).await.unwrap())
    }

    /// One command; a Redis that is away, or was a moment ago, says nothing.
    pub(super) async fn ask(&self, name: &'static str, key: &str) -> RedisReply {
        let mut batch = Batch::new();
        batch.command(name, key, []);
        let answers = self.0.run(batch).await.unwrap_or_default();
        answers.into_iter().next().and_then(Result::ok).unwrap_or(RedisReply::Nil)
    }

    /// A string.
    pub(super) async fn get(&self, key: &str) -> Option<String> {
        self.ask("GET", key).await.text().map(str::to_owned)
    }

    /// The names of all keys that match, on all nodes.
    pub(super) async fn keys(&self, pattern: &str) -> BTreeSet<String> {
        let pages: Vec<Vec<String>> = self.0.scan(pattern, 1000).try_collect().await.unwrap();
        pages.into_iter().flatten().collect()
    }

    /// How many sessions a set of active ones holds.
    pub(super) async fn size(&self, roster: &str) -> i64 {
        self.ask("ZCARD", roster).await.int().unwrap()
    }

    pub(super) async fn binding(&self, session: &str) -> Option<i64> {
        self.get(&format!("session:{session}:provider")).await?.parse().ok()
    }

    /// Waits until the session is bound to the provider.
    pub(super) async fn until_bound(&self, session: &str, provider: i64) {
        let ask = async || (self.binding(session).await == Some(provider)).then_some(());
        eventually(&format!("{session} is bound to {provider}"), PATIENCE, ask).await;
    }
}
