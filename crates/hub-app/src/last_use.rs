//! Sharing over Redis when providers were last used, beside the requests: what this instance used is told, and what
//! the others used is learnt, four times a second while there is anything to it. One hash, a field for each provider.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use hub_proxy::LastUse;
use hub_redis::{Argument, Batch, RedisConnection, RedisReply};
use hub_types::ProviderId;

const EVERY: Duration = Duration::from_millis(250);
const KEY: &str = "routing:last_used";
/// Nobody has used anything for so long: what is older does not matter.
const KEPT_MS: i64 = 24 * 3600 * 1000;

/// Runs until `stop`.
pub(crate) async fn share(used: Arc<LastUse>, redis: Arc<RedisConnection>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = exchange(&used, &redis) => {}
        }
    }
}

/// While Redis is away each instance goes by what it knows.
async fn exchange(used: &LastUse, redis: &RedisConnection) {
    let news = used.take_news();
    let mut batch = Batch::new();
    if !news.is_empty() {
        let fields: Vec<Argument> =
            news.iter().flat_map(|(provider, at)| [provider.0.into(), (*at).into()]).collect();
        batch.command_with("HSET", KEY, fields);
        batch.command("PEXPIRE", KEY, [KEPT_MS.into()]);
    }
    batch.command("HGETALL", KEY, []);
    let answers = match redis.run(batch).await {
        Ok(answers) => answers,
        Err(error) => {
            tracing::debug!(%error, "when providers were last used is not shared at the moment");
            return;
        }
    };
    let Some(Ok(all)) = answers.last() else { return };
    let numbers: Vec<Option<i64>> = all.list().iter().map(RedisReply::int).collect();
    for pair in numbers.chunks_exact(2) {
        if let [Some(provider), Some(at)] = pair {
            used.learn(ProviderId(*provider), *at);
        }
    }
}
