//! The answers of a batch, one after the other.

use hub_redis::{RedisError, RedisReply};
use jiff::Timestamp;

use crate::StoreUnavailable;

pub(super) type Result<T> = std::result::Result<T, StoreUnavailable>;

/// What [`hub_redis::RedisConnection::run`] gave, in the order of the commands.
pub(super) struct Answers(std::vec::IntoIter<std::result::Result<RedisReply, RedisError>>);

impl Answers {
    pub(super) fn of(
        answers: std::result::Result<Vec<std::result::Result<RedisReply, RedisError>>, RedisError>,
    ) -> Result<Self> {
        answers.map(|answers| Self(answers.into_iter())).map_err(|error| unavailable(&error))
    }

    /// The next answer; an error if the command was refused.
    pub(super) fn next(&mut self) -> Result<RedisReply> {
        match self.0.next() {
            Some(answer) => answer.map_err(|error| unavailable(&error)),
            None => Err(StoreUnavailable("Redis gave too few answers".to_owned())),
        }
    }

    /// The rest of them; an error if any command was refused.
    pub(super) fn rest(self) -> Result<Vec<RedisReply>> {
        self.0.map(|answer| answer.map_err(|error| unavailable(&error))).collect()
    }
}

pub(super) fn unavailable(error: &RedisError) -> StoreUnavailable {
    StoreUnavailable(error.to_string())
}

/// A time in ms, as it is kept in Redis.
pub(super) fn instant(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}
