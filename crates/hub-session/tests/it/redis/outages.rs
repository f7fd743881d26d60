//! Redis stopped, frozen, and back: requests go on, in time, with their bindings.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use hub_redis::RedisSettings;
use hub_session::{
    Admission, FallbackSessionStore, Limits, MemorySessionStore, Present, RedisSessionStore, SessionStore,
    Visit,
};
use hub_testkit::Redis;

use super::{connect_with, store, until};
use crate::contract::{A, B, answered, at, sid, some, visit};

type Fallback = FallbackSessionStore<MemorySessionStore>;

async fn fallback(redis: &Redis) -> Fallback {
    let connection = connect_with(&redis.url(), RedisSettings::default()).await;
    let shared = RedisSessionStore::new(connection, Limits::default());
    FallbackSessionStore::new(shared, MemorySessionStore::new(Limits::default()))
}

async fn enter(store: &Fallback, name: &str) -> Present {
    let asked = Instant::now();
    let admission = store.enter(&visit(&sid(name)), at(1)).await.unwrap();
    assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
    let Admission::Admitted(present) = admission else { panic!("{admission:?}") };
    present
}

async fn is_back(store: &Fallback) {
    until("Redis is back", || async { store.list(1, at(0)).await.is_ok() }).await;
}

#[tokio::test]
async fn bindings_made_while_redis_was_away_are_used_when_it_is_back_and_written_again() {
    let redis = Redis::start().await.unwrap();
    let store = fallback(&redis).await;
    enter(&store, "before").await;
    store.leave(&answered(&sid("before"), A), at(1));
    store.sweep(at(1)).await;
    redis.stop().await.unwrap();
    assert_eq!(enter(&store, "before").await.bound, Some(A));
    enter(&store, "during").await;
    store.leave(&answered(&sid("during"), B), at(1));
    store.sweep(at(1)).await;
    assert_eq!(enter(&store, "during").await.bound, Some(B));
    store.survey(&HashSet::from([A]), &|_| {}).await.unwrap_err();
    store.list(1, at(1)).await.unwrap_err();
    redis.start_again().await.unwrap();
    is_back(&store).await;
    assert_eq!(enter(&store, "during").await.bound, Some(B));
    store.leave(&answered(&sid("during"), B), at(1));
    let found = || async { store.find(&sid("during"), at(1)).await.unwrap().is_some_and(|one| one.is_bound) };
    until("the binding is written", found).await;
    // This one reached Redis, which has lost it: as if somebody had cleared it.
    assert_eq!(enter(&store, "before").await.bound, None);
}

#[tokio::test]
async fn a_binding_that_was_cleared_elsewhere_is_forgotten_here() {
    let redis = Redis::start().await.unwrap();
    let here = fallback(&redis).await;
    enter(&here, "a").await;
    here.leave(&answered(&sid("a"), A), at(1));
    here.sweep(at(1)).await;
    store(&redis.url()).await.clear(&HashSet::from([A]), &|_| {}).await.unwrap();
    assert_eq!(enter(&here, "a").await.bound, None);
    redis.stop().await.unwrap();
    assert_eq!(enter(&here, "a").await.bound, None);
}

#[tokio::test]
async fn a_frozen_redis_costs_a_request_no_more_than_its_time_out_and_limits_hold_in_memory() {
    let redis = Redis::start().await.unwrap();
    let store = fallback(&redis).await;
    enter(&store, "a").await;
    store.leave(&answered(&sid("a"), A), at(1));
    store.sweep(at(1)).await;
    redis.freeze().unwrap();
    for _ in 0..5 {
        assert_eq!(enter(&store, "a").await.bound, Some(A));
    }
    let limited = |name| (sid(name), some(2));
    let mut admitted = 0;
    for (session, key_limit) in ["b", "c", "d"].map(limited) {
        let visit = Visit { key_limit, ..visit(&session) };
        admitted += usize::from(matches!(store.enter(&visit, at(1)).await.unwrap(), Admission::Admitted(_)));
    }
    assert_eq!(admitted, 1);
    redis.thaw().unwrap();
    is_back(&store).await;
    assert_eq!(enter(&store, "a").await.bound, Some(A));
}

#[tokio::test]
async fn a_request_that_ended_while_redis_was_away_is_not_in_flight_for_ever() {
    let redis = Redis::start().await.unwrap();
    let store = fallback(&redis).await;
    let in_flight = async |name| store.find(&sid(name), at(0)).await.unwrap().map(|one| one.in_flight);
    enter(&store, "a").await;
    store.sweep(at(0)).await;
    until("the request is counted", async || in_flight("a").await == Some(1)).await;
    redis.freeze().unwrap();
    for _ in 0..5 {
        enter(&store, "b").await;
    }
    store.leave(&answered(&sid("a"), A), at(0));
    until("the departure is lost", async || store.shared().lost_writes() > 0).await;
    redis.thaw().unwrap();
    is_back(&store).await;
    // Whatever is written next brings it along.
    enter(&store, "c").await;
    store.leave(&answered(&sid("c"), A), at(0));
    until("the count is right", async || in_flight("a").await == Some(0)).await;
    // It goes on to count.
    enter(&store, "a").await;
    until("the next one is counted", async || in_flight("a").await == Some(1)).await;
}

#[tokio::test]
async fn closing_writes_what_waits_and_waits_for_nobody_who_is_away() {
    let redis = Redis::start().await.unwrap();
    let closing = store(&redis.url()).await;
    for number in 0..1000 {
        closing.leave(&answered(&sid(&format!("s{number}")), A), at(0));
    }
    closing.close(Duration::from_secs(10)).await;
    assert_eq!(closing.lost_writes(), 0);
    let other = store(&redis.url()).await;
    assert_eq!(other.survey(&HashSet::from([A]), &|_| {}).await.unwrap()[&A], 1000);
    redis.freeze().unwrap();
    other.leave(&answered(&sid("late"), A), at(0));
    let asked = Instant::now();
    other.close(Duration::from_millis(300)).await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    redis.thaw().unwrap();
}
