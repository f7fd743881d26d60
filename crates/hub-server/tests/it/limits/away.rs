//! Redis killed, frozen and slowed while a hub serves two hundred requests a second: nobody fails or waits, limits
//! go on in process, and what was spent meanwhile is in when Redis is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hub_testkit::{Redis, WireTap};
use hub_types::Money;
use serde_json::json;
use tokio::task::JoinSet;

use super::shared::{answers, cost, dear, limit, taken, times};
use crate::harness::{Connection, eventually};
use crate::sessions::town::Town;

const EVERY: Duration = Duration::from_millis(5);
/// Anything near this is a hang; what it really takes is printed.
const BOUND: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

/// So many requests, each begun when its time has come, whatever became of the ones before. How long each took.
async fn flow(town: &Town, count: usize, failed: &Arc<AtomicUsize>) -> Vec<Duration> {
    let mut tasks = JoinSet::new();
    let mut clock = tokio::time::interval(EVERY);
    let body = dear().text();
    for _ in 0..count {
        clock.tick().await;
        let (hub, key) = (town.hubs[0].address, town.key.text.clone());
        let (body, failed) = (body.clone(), Arc::clone(failed));
        tasks.spawn(async move {
            let began = Instant::now();
            let mut connection = Connection::open(hub).await.unwrap();
            let headers = format!("x-api-key: {key}\r\nx-session-id: one\r\nconnection: close\r\n");
            connection.send("POST", "/v1/messages", &headers, &body).await.unwrap();
            if connection.read().await.unwrap().status != 200 {
                failed.fetch_add(1, Ordering::Relaxed);
            }
            began.elapsed()
        });
    }
    tasks.join_all().await
}

fn tell(what: &str, took: &[Duration]) {
    let mut sorted = took.to_vec();
    sorted.sort();
    let at = |share: usize| sorted[(sorted.len() * share / 100).min(sorted.len() - 1)];
    println!("{what}: p50 {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100));
    assert!(at(100) < BOUND, "{what}: {:?}", at(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_go_on_without_redis_and_nobody_waits_for_it() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let url = format!("redis://{}", tap.address());
    let town = Town::build(&url, &[("REDIS_COMMAND_TIMEOUT_MS", "200")], &[json!({})]).await;
    town.plays(0, answers());
    limit(&town, json!({"limit_total_usd": "1000", "limit_daily_usd": "1000", "rpm_limit": 100_000})).await;
    let failed = Arc::new(AtomicUsize::new(0));
    let mut sent = 0;
    let mut go = async |what: &str, count: usize| {
        sent += count;
        tell(what, &flow(&town, count, &failed).await);
        assert_eq!(failed.load(Ordering::Relaxed), 0, "{what}: a request failed");
        sent
    };
    go("with Redis", 200).await;
    for outage in ["killed", "frozen", "slowed"] {
        match outage {
            "killed" => redis.stop().await.unwrap(),
            "frozen" => redis.freeze().unwrap(),
            _ => tap.set_delay(Duration::from_millis(250)),
        }
        go(&format!("{outage}, at first"), 100).await;
        town.hubs[0].until_redis_is("degraded").await;
        let spent = go(outage, 300).await;
        let here = async || (taken(&town, 0, "usd_total").await.0 == times(cost(), spent)).then_some(());
        eventually("the hub itself knows what was spent", PATIENCE, here).await;
        match outage {
            "killed" => redis.start_again().await.unwrap(),
            "frozen" => redis.thaw().unwrap(),
            _ => tap.set_delay(Duration::ZERO),
        }
        let back = Instant::now();
        town.hubs[0].until_redis_is("up").await;
        println!("{outage}: back after {:?}", back.elapsed());
        let spent = go(&format!("{outage}, and back"), 100).await;
        let expected = (times(cost(), spent), Money::ZERO);
        for hub in 0..2 {
            let is_there = async || (taken(&town, hub, "usd_total").await == expected).then_some(());
            eventually(&format!("{outage}: hub {hub} knows what was spent"), PATIENCE, is_there).await;
        }
    }
    town.close().await;
}
