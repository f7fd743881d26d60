//! One breaker for two hubs: failures seen by either count, one trial at a time is made by both together, and a
//! Redis that goes away takes nothing with it.

use std::time::Duration;

use futures_util::future::join_all;
use hub_lab::Behaviour;
use hub_testkit::Redis;
use serde_json::{Value, json};

use crate::harness::{Admin, eventually};
use crate::sessions::town::{Request, Town, failing};

const PATIENCE: Duration = Duration::from_secs(30);

/// The first provider is the better one and opens after three failures.
async fn town(redis: &Redis, open_ms: u64) -> Town {
    let first = json!({"priority": 0, "failure_threshold": 3, "open_duration_ms": open_ms});
    Town::build(&redis.url(), &[], &[first, json!({"priority": 1})]).await
}

async fn health(town: &Town, hub: usize) -> Value {
    let path = format!("/providers/{}/health", town.providers[0].0);
    Admin(town.hubs[hub].address).get(&path).await
}

/// Waits until both hubs say so of the first provider.
async fn until_both_are(town: &Town, phase: &str) {
    for hub in 0..2 {
        let is_so = async || (health(town, hub).await["breaker"] == phase).then_some(());
        eventually(&format!("hub {hub} has the breaker {phase}"), PATIENCE, is_so).await;
    }
}

/// Asks through a hub in a new session.
async fn ask(town: &Town, hub: usize, number: &mut u32) -> u16 {
    *number += 1;
    town.send(hub, &Request::named(&format!("breaker-{number}"))).await.status
}

fn received(town: &Town) -> u64 {
    town.providers[0].1.witness().totals().received
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_at_two_hubs_open_one_breaker_which_outlives_redis() {
    let redis = Redis::start().await.unwrap();
    let (town, mut number) = (town(&redis, 600_000).await, 0);
    town.plays(0, failing());
    for hub in [0, 1, 0] {
        assert_eq!(ask(&town, hub, &mut number).await, 200);
    }
    until_both_are(&town, "open").await;
    let opened = health(&town, 0).await["opened_at"].clone();
    assert_eq!(received(&town), 3);

    redis.stop().await.unwrap();
    for hub in 0..2 {
        town.hubs[hub].until_redis_is("degraded").await;
        for _ in 0..5 {
            assert_eq!(ask(&town, hub, &mut number).await, 200);
        }
        assert_eq!(health(&town, hub).await["breaker"], "open", "hub {hub} goes on with what it knew");
    }
    redis.start_again().await.unwrap();
    for hub in 0..2 {
        town.hubs[hub].until_redis_is("up").await;
        assert_eq!(ask(&town, hub, &mut number).await, 200);
    }
    until_both_are(&town, "open").await;
    assert_eq!(received(&town), 3, "nobody asked it meanwhile");
    // Redis forgot everything; the hubs did not, and agree on when it was.
    for hub in 0..2 {
        assert_eq!(health(&town, hub).await["opened_at"], opened, "hub {hub}");
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_hub_saw_while_redis_was_away_holds_for_both_afterwards() {
    let redis = Redis::start().await.unwrap();
    let (town, mut number) = (town(&redis, 600_000).await, 0);
    assert_eq!(ask(&town, 0, &mut number).await, 200);
    redis.stop().await.unwrap();
    for hub in &town.hubs {
        hub.until_redis_is("degraded").await;
    }
    town.plays(0, failing());
    for _ in 0..3 {
        assert_eq!(ask(&town, 0, &mut number).await, 200);
    }
    assert_eq!(health(&town, 0).await["breaker"], "open");
    assert_eq!(health(&town, 1).await["breaker"], "closed", "the other one can't know");
    redis.start_again().await.unwrap();
    for hub in &town.hubs {
        hub.until_redis_is("up").await;
    }
    let before = received(&town);
    let holds = async || {
        assert_eq!(ask(&town, 0, &mut number).await, 200);
        (health(&town, 1).await["breaker"] == "open").then_some(())
    };
    eventually("the other hub knows", PATIENCE, holds).await;
    assert_eq!(received(&town), before, "the one that knew did not ask");
    assert_eq!(ask(&town, 1, &mut number).await, 200);
    assert_eq!(received(&town), before, "nor does the other one now");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_together_make_one_trial_at_a_time() {
    let redis = Redis::start().await.unwrap();
    let (town, mut number) = (town(&redis, 1000).await, 0);
    town.plays(0, failing());
    for hub in [0, 1, 0] {
        assert_eq!(ask(&town, hub, &mut number).await, 200);
    }
    until_both_are(&town, "half-open").await;
    // Two trials have to go well; each takes longer than it takes to ask twenty times.
    town.plays(0, Behaviour { latency_ms: Some(1500), ..Behaviour::default() });
    for round in 1..=2 {
        let before = received(&town);
        let requests: Vec<Request> =
            (0..20).map(|at| Request::named(&format!("storm-{round}-{at}"))).collect();
        let all = join_all(requests.iter().enumerate().map(|(at, one)| town.send(at % 2, one))).await;
        assert!(all.iter().all(|answer| answer.status == 200));
        assert_eq!(received(&town), before + 1, "round {round}: one of twenty");
    }
    until_both_are(&town, "closed").await;
    town.plays(0, Behaviour::default());
    let before = received(&town);
    for hub in [0, 1, 0, 1] {
        assert_eq!(ask(&town, hub, &mut number).await, 200);
    }
    assert_eq!(received(&town), before + 4, "it is in use again, by both");

    // A failed trial opens it again, for both.
    town.plays(0, failing());
    for hub in [0, 1, 0] {
        assert_eq!(ask(&town, hub, &mut number).await, 200);
    }
    until_both_are(&town, "half-open").await;
    let before = received(&town);
    assert_eq!(ask(&town, 1, &mut number).await, 200);
    assert_eq!(received(&town), before + 1);
    assert_eq!(ask(&town, 0, &mut number).await, 200);
    assert_eq!(received(&town), before + 1, "the other hub does not try at once");
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_clients_open_nothing_at_either_hub() {
    let redis = Redis::start().await.unwrap();
    let (town, _) = (town(&redis, 600_000).await, 0);
    for (status, times) in [(400, 20), (413, 10), (422, 10)] {
        town.plays(0, Behaviour { status: Some(status), ..Behaviour::default() });
        for number in 0..times {
            let answer = town.send(number % 2, &Request::named(&format!("bad-{status}-{number}"))).await;
            assert_eq!(answer.status, status);
        }
    }
    town.plays(0, Behaviour::from_header("latency_ms=2000").unwrap());
    for number in 0..6 {
        let before = received(&town);
        let leaving = town.begin(number % 2, &Request::named(&format!("leaving-{number}"))).await;
        let lab = &town.providers[0].1;
        assert!(lab.witness().wait_until(PATIENCE, |totals| totals.received > before).await);
        drop(leaving);
    }
    for hub in 0..2 {
        let at_rest =
            async || (town.hubs[hub].metric("hub_requests_in_flight").await == Some(0.0)).then_some(());
        eventually("they are gone", PATIENCE, at_rest).await;
        let view = health(&town, hub).await;
        assert_eq!((&view["breaker"], &view["failures"]), (&json!("closed"), &json!(0)), "hub {hub}: {view}");
    }
    town.close().await;
}
