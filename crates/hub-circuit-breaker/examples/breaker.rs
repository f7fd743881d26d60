//! What breakers cost a request: `cargo run --release -p hub-circuit-breaker --features redis --example breaker`,
//! and with a `REDIS_URL` as its argument what Redis adds. That one should have nothing else in it.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hub_circuit_breaker::{
    BreakerConfig, BreakerStore, Event, FallbackBreakerStore, MemoryBreakerStore, RedisBreakers,
};
use hub_redis::{RedisConnection, RedisSettings, RedisUrl};
use hub_types::ProviderId;
use jiff::{SignedDuration, Timestamp};

type Error = Box<dyn std::error::Error>;

const FAILURE: Event = Event::Failure { trial: None };
const SUCCESS: Event = Event::Success { trial: None };
const ROUNDS: u32 = 200_000;

/// The store in memory never waits.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
}

fn ids(count: i64) -> Vec<ProviderId> {
    (1..=count).map(ProviderId).collect()
}

/// One look at each provider, in nanoseconds: the best of nine times, as other programs want the processor, too.
fn look(store: &dyn BreakerStore, providers: &[ProviderId], rounds: u32) -> f64 {
    let (config, now) = (BreakerConfig::default(), at(1));
    let once = |_| {
        let start = Instant::now();
        for _ in 0..rounds {
            for provider in providers {
                black_box(store.health(black_box(*provider), config, now));
            }
        }
        start.elapsed().as_nanos() as f64 / f64::from(rounds) / providers.len() as f64
    };
    (0..9).map(once).fold(f64::INFINITY, f64::min)
}

/// Every provider has failed once, so that it has a row.
fn filled(providers: &[ProviderId]) -> MemoryBreakerStore {
    let store = MemoryBreakerStore::new();
    for provider in providers {
        at_once(store.record(*provider, FAILURE, BreakerConfig::default(), at(0)));
    }
    store
}

fn memory() {
    println!("in memory, per provider:");
    for count in [1, 10, 100, 1000] {
        let providers = ids(count);
        let rounds = ROUNDS / u32::try_from(count).unwrap_or(1);
        let (well, known) = (MemoryBreakerStore::new(), filled(&providers));
        let (well, known) = (look(&well, &providers, rounds), look(&known, &providers, rounds));
        println!("  health of {count:>4}: {well:5.1} ns if all are well, {known:5.1} ns if all have failed");
    }
    let providers = ids(20);
    let store = Arc::new(filled(&providers));
    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (store, stop, now) = (Arc::clone(&store), Arc::clone(&stop), at(1));
        move || {
            let mut events = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let event = if events.is_multiple_of(2) { FAILURE } else { SUCCESS };
                at_once(store.record(ProviderId(7), event, BreakerConfig::default(), now));
                events += 1;
            }
            events
        }
    });
    let start = Instant::now();
    let contended = look(store.as_ref(), &providers, ROUNDS / 20);
    let taken = start.elapsed();
    stop.store(true, Ordering::Relaxed);
    let events = writer.join().unwrap_or(0);
    let each = taken.as_nanos() as f64 / events.max(1) as f64;
    println!("  health of   20 while another thread changes one: {contended:5.1} ns; a change: {each:.0} ns");
    let (start, now) = (Instant::now(), at(1));
    for _ in 0..ROUNDS {
        at_once(store.record(ProviderId(99), SUCCESS, BreakerConfig::default(), now));
    }
    println!("  a success that changes nothing: {:?}", start.elapsed() / ROUNDS);
}

async fn redis(url: &str) -> Result<(), Error> {
    let connection = RedisConnection::connect(&RedisUrl::parse(url)?, RedisSettings::default(), None).await?;
    let store = FallbackBreakerStore::new(RedisBreakers::new(Arc::new(connection)));
    let config = BreakerConfig::default();
    println!("over Redis:");
    for count in [1, 20, 100] {
        let providers = ids(count);
        let mut times = Vec::new();
        for round in 0..2000 {
            let start = Instant::now();
            // Each finds the copy too old.
            store.refresh(&providers, at(round * 1000)).await;
            times.push(start.elapsed());
        }
        println!("  refresh of {count:>3}: {}", spread(times));
        let start = Instant::now();
        for _ in 0..ROUNDS / 10 {
            store.refresh(&providers, at(1_999_000)).await;
        }
        println!("  the same while it is fresh: {:?}", start.elapsed() / (ROUNDS / 10));
    }
    let mut times = Vec::new();
    for round in 0..2000 {
        let event = if round % 2 == 0 { FAILURE } else { SUCCESS };
        let start = Instant::now();
        store.record(ProviderId(7), event, config, at(round)).await;
        times.push(start.elapsed());
    }
    println!("  an event that changes something: {}", spread(times));
    Ok(())
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    format!("p50 {:?}, p99 {:?}", at(50), at(99))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    memory();
    match std::env::args().nth(1) {
        Some(url) => redis(&url).await,
        None => Ok(()),
    }
}
