//! Budgets while many requests run at once.

use futures_util::future::join_all;
use hub_lab::{Behaviour, Scenario};
use hub_types::{Dialect, Money};
use serde_json::{Value, json};

use super::till::Till;
use crate::harness::client::{Reply, Request};
use crate::harness::world::{ME, object};
use crate::sessions::ring::Ring;

const MANY: usize = 100;
/// At 15 dollars a million for output, and nothing to speak of for input, about 0.20 USD.
const OUTPUT: u64 = 13_000;

/// Answers that cost about 0.20 USD, and take so long that all are in flight at once.
async fn dear(mode: &str, key: Value) -> Till {
    let till = Till::open(&[("BUDGET_MODE", mode)], json!({}), key).await;
    till.lab.set_scenario(Scenario::always(Behaviour {
        input: Some(20),
        output: Some(OUTPUT),
        latency_ms: Some(700),
        ..Behaviour::default()
    }));
    till
}

fn request(key: &str) -> Request {
    let messages = json!([{"role": "user", "content": "Write a very long story, please."}]);
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": OUTPUT, "messages": messages});
    Request::post("/v1/messages", body.to_string()).key(key)
}

async fn storm(till: &Till) -> Vec<Reply> {
    let request = request(&till.key.text);
    join_all((0..MANY).map(|_| request.send(till.hub.address))).await
}

/// What the key has spent, as the hub tells.
async fn spent(till: &Till) -> Money {
    let view = till.hub.management().key_limits(&ME, till.key.id).await.unwrap();
    let view = serde_json::to_value(&view).unwrap();
    let total = view["windows"].as_array().unwrap().iter().find(|one| one["limit_type"] == "usd_total");
    let total = total.unwrap();
    assert_eq!(total["reserved"], "0", "nothing is in flight any more");
    total["used"].as_str().unwrap().parse().unwrap()
}

fn passed(replies: &[Reply]) -> usize {
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.status, 429, "{}", reply.text());
    }
    replies.iter().filter(|reply| reply.status == 200).count()
}

fn cost() -> Money {
    Money::from_nanos(20 * 3_000 + i64::try_from(OUTPUT).unwrap() * 15_000)
}

fn times(money: Money, count: usize) -> Money {
    (0..count).map(|_| money).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_budget_is_never_exceeded_by_a_hundred_requests_at_once() {
    let till = dear("strict", json!({"limit_total_usd": "1.00"})).await;
    let replies = storm(&till).await;
    let count = passed(&replies);
    assert_eq!(count, 5, "as many as fit, worst case by worst case");
    assert_eq!(spent(&till).await, times(cost(), count));
    assert!(spent(&till).await <= "1".parse().unwrap());
    // Whoever had to wait is told so, and comes back soon; a total never resets.
    let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
    let told = refused.json();
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.contains("reserved for requests in flight"), "{message}");
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_ne!(told["error"]["reserved"], "0");
    // Little is left now, and this request may take more.
    let late = request(&till.key.text).send(till.hub.address).await;
    assert_eq!(late.status, 429);
    assert!(late.text().contains("ask for fewer tokens"), "{}", late.text());
    assert_eq!(late.header("retry-after"), None, "waiting does not help");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balanced_budget_is_exceeded_by_no_more_than_the_estimates_are_off() {
    let till = dear("balanced", json!({})).await;
    // The hub learns how long these answers are.
    let replies =
        join_all((0..10).map(|_| async { request(&till.key.text).send(till.hub.address).await })).await;
    assert_eq!(passed(&replies), 10);
    let limit: Money = (times(cost(), 10) + "1.00".parse().unwrap()).to_string().parse().unwrap();
    let patch = object(json!({"limit_total_usd": limit.to_string()}));
    till.hub.management().update_key(&ME, till.key.id, &patch).await.unwrap();
    till.hub.app.catch_up().await;
    let count = passed(&storm(&till).await);
    let total = spent(&till).await;
    assert_eq!(total, times(cost(), 10 + count));
    // Of an estimate too low by a tenth for all in flight, not one more would have fitted.
    assert!(count == 5 || count == 6, "{count}");
    assert!(total <= limit + cost(), "{total} of {limit}");
    // Down to the last bit: whoever is alone passes while anything is left.
    while spent(&till).await < limit {
        assert_eq!(request(&till.key.text).send(till.hub.address).await.status, 200);
    }
    assert_eq!(request(&till.key.text).send(till.hub.address).await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_leave_and_providers_that_fail_give_back_what_was_reserved() {
    let till = dear("strict", json!({"limit_total_usd": "1.00"})).await;
    till.lab.set_scenario(Scenario::always(Behaviour { status: Some(400), ..Behaviour::default() }));
    for _ in 0..20 {
        assert_eq!(request(&till.key.text).send(till.hub.address).await.status, 400);
    }
    till.lab.set_scenario(Scenario::always(Behaviour { latency_ms: Some(60_000), ..Behaviour::default() }));
    for number in 1..=5_u64 {
        let received = async {
            let witness = till.lab.witness();
            assert!(
                witness
                    .wait_until(crate::harness::world::PATIENCE, |seen| seen.received >= 20 + number)
                    .await
            );
        };
        request(&till.key.text).send_and_leave_when(till.hub.address, received).await;
    }
    let none_in_flight = async {
        loop {
            let view = till.hub.management().key_limits(&ME, till.key.id).await.unwrap();
            let view = serde_json::to_value(&view).unwrap();
            if view["windows"][0]["reserved"] == "0" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(crate::harness::world::PATIENCE, none_in_flight).await.expect("all is given back");
    assert_eq!(spent(&till).await, Money::ZERO);
}

/// The first provider takes the money for an answer with nothing in it; the second one would answer.
async fn failing_over(mode: &str, limit: &str) -> (Reply, u64, Money) {
    let fields = [json!({"priority": 0}), json!({"priority": 1})];
    let key = json!({"limit_total_usd": limit});
    let ring = Ring::with(&[("BUDGET_MODE", mode)], key, Dialect::Claude, &fields).await;
    let empty = Behaviour {
        input: Some(20),
        output: Some(OUTPUT),
        text: Some(String::new()),
        chunks: Some(0),
        ..Behaviour::default()
    };
    ring.plays(ring.members[0].0, empty);
    ring.plays(
        ring.members[1].0,
        Behaviour { input: Some(20), output: Some(OUTPUT), ..Behaviour::default() },
    );
    let reply = request(&ring.key.text).send(ring.hub.address).await;
    let asked = ring.members[1].1.witness().totals().received;
    let view = ring.hub.management().key_limits(&ME, ring.key.id).await.unwrap();
    let view = serde_json::to_value(&view).unwrap();
    assert_eq!(view["windows"][0]["reserved"], "0", "nothing is in flight any more");
    (reply, asked, view["windows"][0]["used"].as_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_attempt_was_charged_for_leaves_room_for_another_or_there_is_none() {
    let one = cost();
    // Room for the worst case of one, and not of another beside what the first one took.
    let (_, asked, spent) = failing_over("strict", "0.30").await;
    assert_eq!((asked, spent), (0, one));
    let (reply, asked, spent) = failing_over("strict", "0.40").await;
    assert_eq!((reply.status, asked, spent), (200, 1, one + one));
    // Whoever may overshoot is served.
    let (reply, asked, spent) = failing_over("balanced", "0.30").await;
    assert_eq!((reply.status, asked, spent), (200, 1, one + one));
}
