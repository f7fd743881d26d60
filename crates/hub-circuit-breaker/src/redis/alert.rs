//! The one alert of all instances.

use std::time::Duration;

use hub_redis::{Batch, RedisConnection, RedisError, RedisReply};
use hub_types::ProviderId;

use super::keys;

/// Was it this caller who claimed the period?
pub(crate) async fn claim(
    connection: &RedisConnection,
    provider: ProviderId,
    period: Duration,
) -> Result<bool, RedisError> {
    let millis = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
    let mut batch = Batch::new();
    batch.command(
        "SET",
        &keys::alert(provider),
        ["1".into(), "NX".into(), "PX".into(), millis.max(1).into()],
    );
    let answer = connection.run(batch).await?.into_iter().next();
    answer.map_or(Ok(false), |answer| answer.map(|answer| answer != RedisReply::Nil))
}
