//! Limits among many at once, over two instances; and what a request costs.

use std::sync::Arc;
use std::time::Duration;

use hub_redis::RedisSettings;
use hub_session::{Admission, Limits, RedisSessionStore, SessionStore, Visit};
use hub_testkit::{Redis, WireTap};

use super::{connect_with, patient, store};
use crate::contract::{A, answered, at, sid, some, visit};

async fn admitted_of_a_hundred(key_limit: u32, user_limit: u32) -> usize {
    let redis = Redis::start().await.unwrap();
    let stores = [Arc::new(store(&redis.url()).await), Arc::new(store(&redis.url()).await)];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&stores[number % 2]);
        tasks.spawn(async move {
            let session = sid(&format!("s{number}"));
            let visit = Visit { key_limit: some(key_limit), user_limit: some(user_limit), ..visit(&session) };
            matches!(store.enter(&visit, at(0)).await.unwrap(), Admission::Admitted(_))
        });
    }
    tasks.join_all().await.into_iter().filter(|is_in| *is_in).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_new_sessions_at_two_instances_exactly_ten_pass() {
    // 0 is no limit.
    for limits in [(10, 0), (0, 10), (10, 10), (10, 20), (20, 10)] {
        assert_eq!(admitted_of_a_hundred(limits.0, limits.1).await, 10, "{limits:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_sessions_at_a_provider_exactly_ten_take_a_slot() {
    let redis = Redis::start().await.unwrap();
    let stores = [Arc::new(store(&redis.url()).await), Arc::new(store(&redis.url()).await)];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&stores[number % 2]);
        tasks.spawn(async move {
            store.take_slot(&sid(&format!("s{number}")), A, some(10), at(0)).await.unwrap()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|taken| *taken).count(), 10);
}

#[tokio::test]
async fn a_request_is_let_in_by_one_round_trip() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let settings = RedisSettings { watch_interval: Duration::from_secs(3600), ..patient() };
    let connection = connect_with(&format!("redis://{}", tap.address()), settings).await;
    let store = RedisSessionStore::new(connection, Limits::default());
    let session = sid("a");
    let visit = Visit { key_limit: some(5), user_limit: some(5), ..visit(&session) };
    store.enter(&visit, at(0)).await.unwrap();
    store.leave(&answered(&session, A), at(0));
    store.sweep(at(0)).await;
    tap.set_delay(Duration::from_millis(50));
    let before = tap.round_trips();
    let entered = store.enter(&visit, at(1)).await.unwrap();
    assert_eq!(tap.round_trips() - before, 1);
    let Admission::Admitted(present) = entered else { panic!("{entered:?}") };
    assert_eq!((present.sequence, present.bound, present.last_seen), (2, Some(A), Some(at(0))));
}
