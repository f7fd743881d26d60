//! The two limiters give the same answers to everything, over random histories.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use hub_rate_limit::{Calendar, MemoryLimits, MemoryRateLimiter, RateLimiter, RedisLimits, RedisRateLimiter};
use hub_testkit::Redis;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::{PATIENCE, connect};
use crate::chance::Chance;
use crate::contract::{Desk, Subject, noon};
use crate::history::{Cast, Coverage, History, OWNERS, Step, play};

const HISTORIES: u64 = 10_000;
/// Most are short, so that there can be many; one in ten is longer, and one in fifty long.
const STEPS: usize = 8;
const MORE_STEPS: usize = 24;
const MANY_STEPS: usize = 60;
/// So many are played at a time.
const PLAYERS: usize = 32;

/// Everybody's, told apart by the ids of owners. It ends with the test process.
static SERVER: OnceCell<Redis> = OnceCell::const_new();
static CASTS: AtomicI64 = AtomicI64::new(0);

struct InMemory(Arc<MemoryRateLimiter>);

/// In the server that all of these share.
pub(super) struct InRedis(Arc<RedisRateLimiter>);

impl Subject for InMemory {
    async fn fresh(calendar: Arc<Calendar>) -> Self {
        Self(Arc::new(MemoryRateLimiter::new(MemoryLimits::default(), calendar, noon())))
    }

    fn limiter(&self) -> Arc<dyn RateLimiter> {
        Arc::clone(&self.0) as _
    }

    async fn flush(&self) {}
}

impl Subject for InRedis {
    async fn fresh(calendar: Arc<Calendar>) -> Self {
        let server = SERVER.get_or_init(async || Redis::start().await.unwrap()).await;
        let connection = connect(&server.url()).await;
        Self(Arc::new(RedisRateLimiter::new(connection, RedisLimits::default(), calendar)))
    }

    fn limiter(&self) -> Arc<dyn RateLimiter> {
        Arc::clone(&self.0) as _
    }

    async fn flush(&self) {
        assert!(self.0.flush(PATIENCE).await);
    }
}

/// The history of this seed. A model has to see everybody at the beginning of those in which charges are told late;
/// two limiters have to agree without that, too.
fn history(seed: u64) -> History {
    let steps = match seed {
        seed if seed.is_multiple_of(50) => MANY_STEPS,
        seed if seed.is_multiple_of(10) => MORE_STEPS,
        _ => STEPS,
    };
    let mut history = History::random(seed, steps + OWNERS);
    let looks = history.steps.iter().take_while(|step| matches!(step, Step::Look { .. })).count();
    if looks >= OWNERS && seed % 4 == 1 {
        put_back(&mut history, seed);
    } else if looks >= OWNERS && !seed.is_multiple_of(8) {
        history.steps.drain(..OWNERS);
    } else {
        history.steps.truncate(steps);
    }
    history
}

/// Lets clocks be put back where they would have gone on. A model says nothing of that; two limiters have to make
/// the same of it. (Not where somebody is met for the first time: of charges that were told by a clock that is ahead
/// of theirs, the limiter in memory believes a minute, the one in Redis half a second.)
fn put_back(history: &mut History, seed: u64) {
    let mut chance = Chance::new(seed);
    for step in &mut history.steps {
        if let Step::Pass { millis } = step
            && chance.one_in(2)
        {
            *millis = -chance.pick(&[2_000, 120_000, 7 * 3_600_000]);
            *millis += chance.below(1_000);
        }
    }
}

/// Do they see the same? What they came across, or what else they see.
async fn compare(redis: &Desk<InRedis>, history: &History) -> Result<Coverage, String> {
    let memory = Desk::<InMemory>::new().await;
    let cast = Cast(CASTS.fetch_add(1, Ordering::Relaxed));
    let (expected, seen) = (play(&memory, history, cast).await, play(redis, history, cast).await);
    match expected.iter().zip(&seen).find(|(expected, seen)| expected != seen) {
        Some((expected, seen)) => Err(format!("in memory {expected:#?}\nin Redis {seen:#?}")),
        None if expected.len() != seen.len() => Err("one saw more".to_owned()),
        None => {
            let mut coverage = Coverage::default();
            coverage.note(history, cast, &seen);
            Ok(coverage)
        }
    }
}

/// The same without the steps that make no difference.
async fn shortest(redis: &Desk<InRedis>, mut history: History) -> History {
    let mut place = 0;
    while place < history.steps.len() {
        let mut shorter = history.clone();
        shorter.steps.remove(place);
        if compare(redis, &shorter).await.is_ok() {
            place += 1;
        } else {
            history = shorter;
        }
    }
    history
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_limiters_agree_on_ten_thousand_random_histories() {
    // A script that Redis does not know yet runs after others. So it is shown all of them first.
    let redis = Desk::<InRedis>::new().await;
    compare(&redis, &History::random(0, 4 * MANY_STEPS)).await.unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let mut players = JoinSet::new();
    for _ in 0..PLAYERS {
        let next = Arc::clone(&next);
        players.spawn(async move {
            let redis = Desk::<InRedis>::new().await;
            let (mut steps, mut coverage) = (0, Coverage::default());
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= HISTORIES {
                    return (steps, coverage);
                }
                let history = history(seed);
                if let Ok(met) = compare(&redis, &history).await {
                    coverage.add(met);
                } else {
                    let history = shortest(&redis, history).await;
                    let difference = compare(&redis, &history).await;
                    panic!("{history:#?}\n{difference:?}");
                }
                steps += history.steps.len();
            }
        });
    }
    let (mut steps, mut coverage) = (0, Coverage::default());
    while let Some(played) = players.join_next().await {
        let (played, met) = played.unwrap();
        steps += played;
        coverage.add(met);
    }
    coverage.assert_complete();
    assert!(steps >= usize::try_from(HISTORIES).unwrap() * STEPS, "{steps}");
}
