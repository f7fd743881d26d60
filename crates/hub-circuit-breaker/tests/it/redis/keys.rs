//! What is in Redis: for people who look into it, and for other programs.

use hub_circuit_breaker::{BreakerConfig, BreakerHealth, BreakerStore};
use hub_redis::RedisReply;

use super::{ask, connect, over};
use crate::contract::{CONFIG, FAILURE, P, SUCCESS, at, ms};
use hub_testkit::RedisDatabase;

const HASH: &str = "circuit_breaker:state:7";

#[tokio::test]
async fn a_breaker_is_a_hash_that_lasts_a_day() {
    let database = RedisDatabase::take().await.unwrap();
    let connection = connect(database.url()).await;
    let store = over(connection.clone());
    store.record(P, SUCCESS, CONFIG, at(0)).await;
    assert_eq!(ask(&connection, "EXISTS", HASH, &[]).await, RedisReply::Int(0));
    for _ in 0..3 {
        store.record(P, FAILURE, CONFIG, at(0)).await;
    }
    store.take_trial(P, CONFIG, at(10)).await;
    let fields = ["state", "failure_count", "opened_at", "half_open_successes", "trial_until", "changed_at"];
    let found = ask(&connection, "HMGET", HASH, &fields).await;
    let number = |seconds| ms(seconds).to_string();
    let expected = ["half-open", "3", &number(0), "0", &number(70), &number(10)].map(str::to_owned);
    assert_eq!(found, RedisReply::List(expected.map(RedisReply::Text).into()));
    assert_eq!(ask(&connection, "HLEN", HASH, &[]).await, RedisReply::Int(6));
    let left = ask(&connection, "PTTL", HASH, &[]).await.int().unwrap();
    assert!((86_300_000..=86_400_000).contains(&left), "{left}");
}

#[tokio::test]
async fn one_that_stays_open_for_long_is_kept_for_its_trials() {
    let database = RedisDatabase::take().await.unwrap();
    let connection = connect(database.url()).await;
    let long = BreakerConfig { failure_threshold: 1, open_duration_ms: 86_400_000, ..CONFIG };
    over(connection.clone()).record(P, FAILURE, long, at(0)).await;
    let left = ask(&connection, "PTTL", HASH, &[]).await.int().unwrap();
    assert!((172_700_000..=172_800_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_breaker_can_be_closed_by_hand_with_a_newer_change_and_not_by_deleting_it() {
    let database = RedisDatabase::take().await.unwrap();
    let connection = connect(database.url()).await;
    let store = over(connection.clone());
    for _ in 0..3 {
        store.record(P, FAILURE, CONFIG, at(0)).await;
    }
    ask(&connection, "DEL", HASH, &[]).await;
    assert_eq!(store.record(P, FAILURE, CONFIG, at(1)).await, None);
    assert_eq!(ask(&connection, "HGET", HASH, &["state"]).await, RedisReply::Text("open".to_owned()));
    let changed = ms(2).to_string();
    let closed = ["state", "closed", "failure_count", "0", "opened_at", "0", "half_open_successes", "0"];
    let closed = [closed.as_slice(), &["trial_until", "0", "changed_at", &changed]].concat();
    ask(&connection, "HSET", HASH, &closed).await;
    store.refresh(&[P], at(3)).await;
    assert_eq!(store.health(P, CONFIG, at(3)), BreakerHealth::Closed);
}
