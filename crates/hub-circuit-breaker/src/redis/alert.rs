//! The one turn of all instances.

use hub_redis::{Batch, RedisConnection, RedisError, RedisReply};
use hub_types::ProviderId;

use super::keys;
use crate::alert::Occasion;
use crate::time::Ms;

/// Was it this caller who claimed the period?
pub(crate) async fn claim(
    connection: &RedisConnection,
    occasion: Occasion,
    provider: ProviderId,
    period: Ms,
) -> Result<bool, RedisError> {
    let mut batch = Batch::new();
    batch.command(
        "SET",
        &keys::turn(occasion, provider),
        ["1".into(), "NX".into(), "PX".into(), period.into()],
    );
    let answer = connection.run(batch).await?.into_iter().next();
    answer.map_or(Ok(false), |answer| answer.map(|answer| answer != RedisReply::Nil))
}
