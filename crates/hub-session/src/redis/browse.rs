//! Looking at sessions, and counting them.

use std::collections::HashMap;

use hub_redis::{Batch, RedisReply};
use jiff::Timestamp;

use hub_types::{Money, ProviderId, SessionId};

use super::RedisSessionStore;
use super::answers::{Answers, Result, instant};
use super::keys;
use crate::{ActiveSession, SessionUsage};

/// So many sessions are read at a time.
const PAGE: usize = 100;

impl RedisSessionStore {
    pub(super) async fn list_active(&self, limit: usize, now: Timestamp) -> Result<Vec<ActiveSession>> {
        self.flush().await?;
        let mut batch = Batch::new();
        let count = i64::try_from(limit).unwrap_or(i64::MAX);
        let since = format!("({}", self.life.cutoff(now));
        let range =
            ["+inf".into(), since.into(), "WITHSCORES".into(), "LIMIT".into(), 0_i64.into(), count.into()];
        batch.command("ZREVRANGEBYSCORE", keys::ACTIVE, range);
        let members = self.ask_patiently(batch).await?.next()?;
        let seen: Vec<(SessionId, Timestamp)> = pairs(&members)
            .filter_map(|(session, score)| {
                Some((SessionId::parse(session.text()?).ok()?, instant(score.int()?)?))
            })
            .collect();
        let mut sessions = Vec::with_capacity(seen.len());
        for page in seen.chunks(PAGE) {
            let mut batch = Batch::new();
            for (session, _) in page {
                put_reading(&mut batch, session);
            }
            let mut answers = self.ask_patiently(batch).await?;
            for (session, at) in page {
                sessions.push(Reading::next(&mut answers)?.session(session, Some(*at)));
            }
        }
        Ok(sessions.into_iter().flatten().collect())
    }

    pub(super) async fn find_one(
        &self,
        session: &SessionId,
        now: Timestamp,
    ) -> Result<Option<ActiveSession>> {
        self.flush().await?;
        let mut batch = Batch::new();
        batch.command("ZSCORE", keys::ACTIVE, [session.as_str().into()]);
        put_reading(&mut batch, session);
        let mut answers = self.ask_patiently(batch).await?;
        let score = answers.next()?.int().filter(|score| *score > self.life.cutoff(now));
        let reading = Reading::next(&mut answers)?;
        let seen = score.and_then(instant);
        Ok(reading.session(session, seen))
    }

    pub(super) async fn count_at_each(
        &self,
        providers: &[ProviderId],
        now: Timestamp,
    ) -> Result<HashMap<ProviderId, u64>> {
        self.flush().await?;
        if providers.is_empty() {
            return Ok(HashMap::new());
        }
        let since = format!("({}", self.life.cutoff(now));
        let mut batch = Batch::new();
        for provider in providers {
            let range = [since.as_str().into(), "+inf".into()];
            batch.command("ZCOUNT", &keys::at_provider(*provider), range);
        }
        let counts = self.ask_patiently(batch).await?.rest()?;
        let counts = counts.iter().map(|count| u64::try_from(count.int().unwrap_or(0)).unwrap_or(0));
        Ok(providers.iter().copied().zip(counts).collect())
    }
}

/// What is known of one session, as it was read.
struct Reading {
    bound: Option<ProviderId>,
    info: RedisReply,
    usage: RedisReply,
    last_seen: Option<Timestamp>,
    in_flight: u32,
}

fn put_reading(batch: &mut Batch, session: &SessionId) {
    let sid = session.as_str();
    batch
        .command("GET", &keys::binding(sid), [])
        .command("HGETALL", &keys::of(sid, "info"), [])
        .command("HGETALL", &keys::of(sid, "usage"), [])
        .command("GET", &keys::of(sid, "last_seen"), [])
        .command("GET", &keys::of(sid, "concurrent_count"), []);
}

impl Reading {
    fn next(answers: &mut Answers) -> Result<Self> {
        Ok(Self {
            bound: answers.next()?.int().map(ProviderId),
            info: answers.next()?,
            usage: answers.next()?,
            last_seen: answers.next()?.int().and_then(instant),
            in_flight: answers.next()?.int().and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        })
    }

    /// `None`: nothing is known of it.
    fn session(&self, session: &SessionId, seen: Option<Timestamp>) -> Option<ActiveSession> {
        let info = |name| field(&self.info, name);
        let number = |name| info(name)?.parse::<i64>().ok();
        let used = |name| field(&self.usage, name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let count = |name| u64::try_from(used(name)).unwrap_or(0);
        let last_seen = self.last_seen.max(seen);
        let started = number("start").and_then(instant);
        // One that is only bound, a branch, was never seen.
        let last_seen = last_seen.or(started).or(self.bound.map(|_| Timestamp::UNIX_EPOCH))?;
        Some(ActiveSession {
            session: session.clone(),
            user: number("user").map(hub_types::UserId),
            model: info("model").map(str::to_owned),
            dialect: info("dialect").and_then(|name| name.parse().ok()),
            provider: self.bound.or_else(|| number("provider").map(ProviderId)),
            is_bound: self.bound.is_some(),
            started,
            last_seen,
            last_status: number("last_status").and_then(|status| u16::try_from(status).ok()),
            in_flight: self.in_flight,
            usage: SessionUsage {
                requests: count("requests"),
                input_tokens: count("input_tokens"),
                output_tokens: count("output_tokens"),
                cost: Money::from_nanos(used("cost")),
            },
        })
    }
}

fn field<'a>(hash: &'a RedisReply, name: &str) -> Option<&'a str> {
    pairs(hash).find(|(field, _)| field.text() == Some(name)).and_then(|(_, value)| value.text())
}

/// A list of pairs, told one after the other.
fn pairs(list: &RedisReply) -> impl Iterator<Item = (&RedisReply, &RedisReply)> {
    list.list().as_chunks::<2>().0.iter().map(|[first, second]| (first, second))
}
