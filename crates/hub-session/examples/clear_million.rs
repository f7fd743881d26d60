//! How long clearing takes, and how much memory: `clear_million fill|clear REDIS_URL COUNT`.
//!
//! `fill` makes sessions bound to one provider, each with all of its keys and three conversation hashes. `clear`
//! removes them and tells the seconds and the peak of the process's memory; run it as a process of its own.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_redis::{Batch, RedisConnection, RedisSettings, RedisUrl};
use hub_session::{Limits, RedisSessionStore, SessionStore};
use hub_types::ProviderId;

type Error = Box<dyn std::error::Error>;

const PROVIDER: i64 = 7;
/// Two hours: what is filled must not expire while it is cleared.
const LIFETIME_MS: i64 = 7_200_000;
const BATCH: u64 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, url, count] = arguments.as_slice() else {
        return Err("usage: clear_million fill|clear REDIS_URL COUNT".into());
    };
    let count: u64 = count.parse()?;
    let connection = RedisConnection::connect(&RedisUrl::parse(url)?, RedisSettings::default(), None).await?;
    let began = Instant::now();
    let done = match mode.as_str() {
        "fill" => fill(&connection, count).await?,
        "clear" => clear(Arc::new(connection), count).await?,
        _ => return Err("the mode is fill or clear".into()),
    };
    let peak = std::fs::read_to_string("/proc/self/status")?;
    let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    writeln!(io::stdout(), "{mode}: {done} in {:.1} s, {peak}", began.elapsed().as_secs_f64())?;
    Ok(())
}

async fn fill(connection: &RedisConnection, count: u64) -> Result<String, Error> {
    for first in (0..count).step_by(usize::try_from(BATCH)?) {
        let mut batch = Batch::new();
        for number in first..count.min(first + BATCH) {
            put(&mut batch, i64::try_from(number)?);
        }
        for answer in connection.run_for(batch, Duration::from_secs(30)).await? {
            answer?;
        }
    }
    Ok(format!("{count} sessions"))
}

fn put(batch: &mut Batch, number: i64) {
    let (key, user) = (number % 50, number % 20);
    let sid = format!("k{key}.0193a2b4-5c6d-7e8f-9a0b-{number:012x}");
    let of = |what: &str| format!("session:{sid}:{what}");
    for (what, value) in [("provider", PROVIDER), ("key", key), ("last_seen", number), ("seq", 1)] {
        batch.command("SET", &of(what), [value.into(), "PX".into(), LIFETIME_MS.into()]);
    }
    let info = ["user".into(), user.into(), "provider".into(), PROVIDER.into(), "model".into(), "m".into()];
    batch.command("HSET", &of("info"), info);
    batch.command("HSET", &of("usage"), ["requests".into(), 1_i64.into(), "cost".into(), 1_i64.into()]);
    for what in ["info", "usage"] {
        batch.command("PEXPIRE", &of(what), [LIFETIME_MS.into()]);
    }
    for depth in 0..3 {
        let entry = format!("hash:{key}:{:016x}", number * 3 + depth);
        batch.command("SET", &entry, [sid.as_str().into(), "PX".into(), LIFETIME_MS.into()]);
    }
    let rosters = [
        "global:active_sessions".to_owned(),
        format!("key:{key}:active_sessions"),
        format!("user:{user}:active_sessions"),
        format!("provider:{PROVIDER}:active_sessions"),
    ];
    for roster in rosters {
        batch.command("ZADD", &roster, [number.into(), sid.as_str().into()]);
    }
}

async fn clear(connection: Arc<RedisConnection>, count: u64) -> Result<String, Error> {
    let store = RedisSessionStore::new(connection, Limits::default());
    let cleared = store.clear(&HashSet::from([ProviderId(PROVIDER)]), &|_| {}).await?;
    store.close(Duration::from_secs(1)).await;
    let sessions: u64 = cleared.sessions.values().sum();
    if sessions != count {
        return Err(format!("{sessions} of {count} sessions were cleared").into());
    }
    Ok(format!("{sessions} sessions, {} conversation hashes", cleared.conversations))
}
