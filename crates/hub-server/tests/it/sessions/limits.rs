//! How many sessions talk at once, counted by two hubs together.

use futures_util::future::join_all;
use hub_testkit::Redis;
use serde_json::json;

use super::town::{Key, Request, Town};
use crate::harness::Answer;

pub(super) const NEW: usize = 100;
pub(super) const LIMIT: usize = 10;

/// Many sessions that nobody has seen before, all at the same time, at the hubs and with the keys by turns.
pub(super) async fn storm(town: &Town, keys: &[Key]) -> Vec<Answer> {
    let answers = join_all((0..NEW).map(|number| async move {
        let request = Request::named(&format!("new-{number}")).key(&keys[number / 2 % keys.len()]);
        town.send(number % 2, &request).await
    }));
    answers.await
}

/// Exactly as many as may: at any hub they go on, and nobody else comes in.
pub(super) async fn check(town: &Town, keys: &[Key], answers: &[Answer]) {
    let inside: Vec<usize> = (0..NEW).filter(|number| answers[*number].status == 200).collect();
    assert_eq!(inside.len(), LIMIT);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.json()["error"]["limit_type"], "concurrent_sessions");
    }
    for number in inside {
        let request = Request::named(&format!("new-{number}")).key(&keys[number / 2 % keys.len()]);
        assert_eq!(town.send((number + 1) % 2, &request).await.status, 200);
    }
    for hub in 0..2 {
        assert_eq!(town.send(hub, &Request::named("late").key(&keys[0])).await.status, 429);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_new_sessions_pass_both_hubs_as_the_key_may_have() {
    let redis = Redis::start().await.unwrap();
    let town = Town::build(&redis.url(), &[], &[json!({})]).await;
    let keys = [town.key(json!({"name": "ci", "limit_concurrent_sessions": LIMIT})).await];
    let answers = storm(&town, &keys).await;
    check(&town, &keys, &answers).await;
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_pass_both_hubs_as_the_user_may_have_over_all_keys() {
    let redis = Redis::start().await.unwrap();
    let town = Town::build(&redis.url(), &[], &[json!({})]).await;
    let limited = json!({"limit_concurrent_sessions": LIMIT});
    town.admin().patch(&format!("/users/{}", town.user), limited).await;
    // The edit of the user is known at the other hub when this key is, as it was made after it.
    let keys = [town.key(json!({"name": "ci"})).await, town.key(json!({"name": "desk"})).await];
    let answers = storm(&town, &keys).await;
    check(&town, &keys, &answers).await;
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_takes_as_many_sessions_from_both_hubs_as_it_may_and_the_next_one_the_rest() {
    let redis = Redis::start().await.unwrap();
    let limited = json!({"priority": 0, "limit_concurrent_sessions": LIMIT});
    let town = Town::build(&redis.url(), &[], &[limited, json!({"priority": 1})]).await;
    let answers = storm(&town, std::slice::from_ref(&town.key)).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let answered = |provider: usize| town.providers[provider].1.witness().totals().answered;
    assert_eq!((answered(0), answered(1)), (LIMIT as u64, (NEW - LIMIT) as u64));
    town.close().await;
}
