//! The pool in Redis, for several instances. Three keys in different slots of a cluster: what needs more than
//! one of them is several steps that are safe in any order, and may stop after any of them.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use hub_redis::{Argument, Batch, RedisConnection, RedisError, RedisReply, Script};
use hub_types::SessionId;

use super::state::to_the_millisecond;
use super::{Collected, PoolState, PoolStore};
use crate::StoreUnavailable;

const AVAILABLE: &str = "session_pool:available";
const CURRENT: &str = "session_pool:current";
const LAST_SWITCH: &str = "session_pool:last_switch";

/// Adds to the set if it holds fewer than so many; answers {was it added, size}.
static COLLECT: Script = Script::new(
    "local size = redis.call('SCARD', KEYS[1]) \
     if size >= tonumber(ARGV[2]) then return {0, size} end \
     local added = redis.call('SADD', KEYS[1], ARGV[1]) \
     return {added, size + added}",
);

/// Empties the set but for one member; answers how many went.
static CLEAR: Script = Script::new(
    "local size = redis.call('SCARD', KEYS[1]) \
     local keeps = redis.call('SISMEMBER', KEYS[1], ARGV[1]) \
     redis.call('DEL', KEYS[1]) \
     if keeps == 1 then redis.call('SADD', KEYS[1], ARGV[1]) end \
     return size - keeps",
);

/// Sets the time if it is still the one that was seen; what is no time counts as none.
static TAKE_TURN: Script = Script::new(
    "local last = redis.call('GET', KEYS[1]) \
     if not last or not string.match(last, '^%d+$') then last = '' end \
     if last ~= ARGV[1] then return 0 end \
     redis.call('SET', KEYS[1], ARGV[2]) \
     return 1",
);

/// A pool that instances share.
pub struct RedisPool(Arc<RedisConnection>);

impl RedisPool {
    /// The pool at the other end of a connection.
    pub const fn new(redis: Arc<RedisConnection>) -> Self {
        Self(redis)
    }

    /// Sends a batch; a command that was refused fails the whole.
    async fn run(&self, batch: Batch) -> Result<Vec<RedisReply>, StoreUnavailable> {
        let answers = self.0.run(batch).await.map_err(unavailable)?;
        answers.into_iter().map(|answer| answer.map_err(unavailable)).collect()
    }

    async fn current(&self) -> Result<Option<SessionId>, StoreUnavailable> {
        let mut batch = Batch::new();
        batch.command("GET", CURRENT, []);
        let answers = self.run(batch).await?;
        Ok(answers.first().and_then(session_in))
    }

    /// Makes a member the current one if there is none.
    async fn adopt(&self, session: &SessionId) -> Result<(), StoreUnavailable> {
        let mut batch = Batch::new();
        batch.command("SET", CURRENT, [session.as_str().into(), "NX".into()]);
        self.run(batch).await.map(|_| ())
    }
}

#[async_trait]
impl PoolStore for RedisPool {
    async fn collect(&self, session: &SessionId, max: usize) -> Result<Collected, StoreUnavailable> {
        let mut batch = Batch::new();
        let most = i64::try_from(max).unwrap_or(i64::MAX);
        batch.script(&COLLECT, &[AVAILABLE], [session.as_str().into(), most.into()]);
        let answers = self.run(batch).await?;
        let [added, size] = answers.first().map_or(&[][..], RedisReply::list) else {
            return Err(StoreUnavailable("Redis answered something unexpected".to_owned()));
        };
        let is_new = added.int() == Some(1);
        let size = size.int().and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
        if is_new {
            self.adopt(session).await?;
        }
        Ok(Collected { is_new, size, is_full: size >= max })
    }

    async fn state(&self) -> Result<PoolState, StoreUnavailable> {
        let mut batch = Batch::new();
        batch.command("SMEMBERS", AVAILABLE, []).command("GET", CURRENT, []).command("GET", LAST_SWITCH, []);
        let answers = self.run(batch).await?;
        let [members, current, last_switch] = answers.as_slice() else {
            return Err(StoreUnavailable("Redis answered something unexpected".to_owned()));
        };
        let members = members.list().iter().filter_map(session_in).collect();
        let last_switch = last_switch.int().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let mut state = PoolState { members, current: session_in(current), last_switch };
        // Whoever collected the first member may have been stopped before it became the current one.
        if let (None, Some(first)) = (&state.current, state.members.first()) {
            self.adopt(first).await?;
            state.current = self.current().await?;
        }
        Ok(state)
    }

    async fn set_current(&self, session: &SessionId, now: Timestamp) -> Result<(), StoreUnavailable> {
        let mut batch = Batch::new();
        batch.command("SET", LAST_SWITCH, [milliseconds(now)]);
        batch.command("SET", CURRENT, [session.as_str().into()]);
        self.run(batch).await.map(|_| ())
    }

    async fn switch(
        &self,
        to: &SessionId,
        seen: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreUnavailable> {
        let mut batch = Batch::new();
        let seen = seen.map_or_else(String::new, |seen| seen.as_millisecond().to_string());
        batch.script(&TAKE_TURN, &[LAST_SWITCH], [seen.into(), milliseconds(now)]);
        let answers = self.run(batch).await?;
        if answers.first().and_then(RedisReply::int) != Some(1) {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.command("SET", CURRENT, [to.as_str().into()]);
        self.run(batch).await?;
        Ok(true)
    }

    async fn clear(&self) -> Result<usize, StoreUnavailable> {
        let kept = self.current().await?;
        let mut batch = Batch::new();
        let name = kept.as_ref().map_or("", SessionId::as_str);
        batch.script(&CLEAR, &[AVAILABLE], [name.into()]).command("GET", CURRENT, []);
        let answers = self.run(batch).await?;
        // Somebody may have switched in between: the one that is current now stays a member.
        if let Some(now_current) = answers.get(1).and_then(session_in)
            && kept.as_ref() != Some(&now_current)
        {
            let mut batch = Batch::new();
            batch.command("SADD", AVAILABLE, [now_current.as_str().into()]);
            self.run(batch).await?;
        }
        let removed = answers.first().and_then(RedisReply::int).unwrap_or_default();
        Ok(usize::try_from(removed).unwrap_or_default())
    }
}

fn milliseconds(time: Timestamp) -> Argument {
    to_the_millisecond(time).as_millisecond().into()
}

/// The session that a reply names; what is none is passed over.
fn session_in(reply: &RedisReply) -> Option<SessionId> {
    reply.text().and_then(|text| SessionId::parse(text).ok())
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
fn unavailable(error: RedisError) -> StoreUnavailable {
    StoreUnavailable(error.to_string())
}
