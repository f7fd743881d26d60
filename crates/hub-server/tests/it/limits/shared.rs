//! One budget for two hubs, and what becomes of it when a hub dies or Redis forgets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use hub_lab::Behaviour;
use hub_testkit::Redis;
use hub_types::Money;
use serde_json::{Value, json};

use crate::harness::eventually;
use crate::sessions::store::Store;
use crate::sessions::town::{Key, Request, Town};

const PATIENCE: Duration = Duration::from_secs(30);
const MANY: usize = 100;
const OUTPUT: u64 = 13_000;

/// About 0.20 USD.
pub(super) fn cost() -> Money {
    Money::from_nanos(20 * 3_000 + i64::try_from(OUTPUT).unwrap() * 15_000)
}

pub(super) fn times(money: Money, count: usize) -> Money {
    (0..count).map(|_| money).sum()
}

/// A request that costs that much, if it is answered.
pub(super) fn dear() -> Request {
    let messages = json!([{"role": "user", "content": "Write a very long story, please."}]);
    Request::post(
        "/v1/messages",
        json!({"model": "claude-sonnet-4-5", "max_tokens": OUTPUT, "messages": messages}),
    )
}

pub(super) fn answers() -> Behaviour {
    Behaviour { input: Some(20), output: Some(OUTPUT), ..Behaviour::default() }
}

/// What the user has used and reserved of a window, as one of the hubs tells.
pub(super) async fn taken(town: &Town, hub: usize, limit: &str) -> (Money, Money) {
    let path = format!("/users/{}/limits", town.user);
    let all = crate::harness::Admin(town.hubs[hub].address).get(&path).await;
    let windows = all["windows"].as_array().unwrap();
    let window = windows.iter().find(|one| one["limit_type"] == limit).unwrap_or_else(|| panic!("{all}"));
    let money = |field: &str| window[field].as_str().unwrap().parse().unwrap();
    (money("used"), money("reserved"))
}

static EDITS: AtomicUsize = AtomicUsize::new(0);

/// Gives the town's user limits. The answer is a key that both hubs look up after that, with its user.
pub(super) async fn limit(town: &Town, limits: Value) -> Key {
    town.admin().patch(&format!("/users/{}", town.user), limits).await;
    let edit = EDITS.fetch_add(1, Ordering::Relaxed);
    town.key(json!({"name": format!("after edit {edit}")})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_budget_holds_over_two_hubs_and_survives_flushall_and_kill() {
    let redis = Redis::start().await.unwrap();
    let settings = [("BUDGET_MODE", "strict"), ("RESERVATION_TTL_MS", "4000")];
    let mut town = Town::build(&redis.url(), &settings, &[json!({})]).await;
    let store = Store::at(&redis.url()).await;
    town.plays(0, Behaviour { latency_ms: Some(1000), ..answers() });
    let key = limit(&town, json!({"limit_total_usd": "1.00", "limit_5h_usd": "1.00"})).await;

    let request = dear().key(&key);
    let all = join_all((0..MANY).map(|number| town.send(number % 2, &request))).await;
    let passed = all.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(passed, 5, "as many as fit, over both hubs");
    assert!(all.iter().all(|answer| matches!(answer.status, 200 | 429)));
    let settled = async |town: &Town, hub| {
        let expected = (times(cost(), 5), Money::ZERO);
        let is_there = async || (taken(town, hub, "usd_total").await == expected).then_some(());
        eventually("both hubs know what was spent", PATIENCE, is_there).await;
        assert_eq!(taken(town, hub, "usd_5h").await, expected);
    };
    settled(&town, 0).await;
    settled(&town, 1).await;

    // Redis forgets everything: the ledger knows.
    store.flush_all().await;
    assert_eq!(town.send(1, &request).await.status, 429, "no limit starts over");
    settled(&town, 0).await;
    settled(&town, 1).await;

    // A hub dies with a request in flight: what it had reserved comes free by itself.
    let key = limit(&town, json!({"limit_total_usd": "2.00", "limit_5h_usd": null})).await;
    let request = dear().key(&key);
    town.plays(0, Behaviour { latency_ms: Some(60_000), ..answers() });
    let waiting = town.begin(1, &request).await;
    let is_held = async || {
        let taken = taken(&town, 0, "usd_total").await;
        (taken.1 > Money::ZERO).then_some(())
    };
    eventually("the request in flight is reserved for", PATIENCE, is_held).await;
    town.hubs.remove(1).kill().await;
    drop(waiting);
    let is_free = async || (taken(&town, 0, "usd_total").await.1 == Money::ZERO).then_some(());
    eventually("the dead hub's reservation lapses", PATIENCE, is_free).await;
    town.plays(0, answers());
    assert_eq!(town.send(0, &request).await.status, 200);
    town.close().await;
}
