//! The session pool of two hubs: collected at one, lent by both.

use std::time::Duration;

use hub_testkit::Redis;
use serde_json::{Value, json};

use super::store::Store;
use super::town::{Key, Request, Served, Town};
use crate::harness::{Admin, eventually};

/// Instances read the pool once a second.
const SOON: Duration = Duration::from_secs(10);

/// Collects a new session that is bound to another provider than these.
async fn collect(town: &Town, trusted: &Key, but: &[i64]) -> Served {
    for number in 0..100 {
        let first = town.served(0, &Request::named(&format!("warm-{number}")).key(trusted)).await;
        if !first.is_reuse() && !but.contains(&first.provider()) {
            return first;
        }
    }
    panic!("all sessions go to {but:?}");
}

/// Requests that name no session, of conversations that have nothing in common.
fn unnamed(what: &str) -> impl Iterator<Item = Request> {
    (0..6).map(move |number| Request::turn(&format!("{what}, conversation {number}"), 1))
}

async fn current(town: &Town, hub: usize) -> Value {
    let answer =
        Admin(town.hubs[hub].address).call_at("GET", "/admin/session-pool/stats", &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"]["currentSession"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_collected_at_one_hub_is_followed_at_both_until_another_is_set() {
    let redis = Redis::start().await.unwrap();
    let settings = [
        ("USE_SESSION_POOL", "true"),
        ("SESSION_POOL_MIN_SIZE", "1000"),
        ("SESSION_POOL_MAX_SIZE", "1000"),
        ("LOG_LEVEL", "info"),
    ];
    let town = Town::build(&redis.url(), &settings, &vec![json!({}); 5]).await;
    let store = Store::at(&redis.url()).await;
    let trusted = town.key(json!({"name": "ci", "collect_session": true})).await;

    let first = town.served(0, &Request::named("first").key(&trusted)).await;
    store.until_bound(first.session(), first.provider()).await;
    for hub in 0..2 {
        let is_current = async || (current(&town, hub).await == first.session()).then_some(());
        eventually("both hubs have the pool", SOON, is_current).await;
    }
    let log = town.sites[0].log();
    assert!(log.contains("Collected session from whitelist API Key: ci"), "{log}");
    let added = format!("Added new session to pool: {} (pool size: 1)", first.session());
    assert!(log.contains(&added) && log.contains("SessionPool"), "{log}");
    assert!(!log.contains(&trusted.text), "the key itself is not logged");
    for hub in 0..2 {
        for request in unnamed(&format!("one, hub {hub}")) {
            let served = town.served(hub, &request).await;
            assert_eq!((served.provider(), served.is_reuse()), (first.provider(), true));
            assert_ne!(served.session(), first.session(), "it is routing only");
        }
    }

    let other = collect(&town, &trusted, &[first.provider()]).await;
    store.until_bound(other.session(), other.provider()).await;
    assert_eq!(current(&town, 1).await, first.session(), "the pool is too small to move on by itself");
    let choice = json!({"sessionId": other.session()});
    let is_member = async || {
        let set = town.admin().call_at("POST", "/admin/session-pool/set-current", &choice).await;
        (set.status == 200).then_some(())
    };
    eventually("the new session is in the pool", SOON, is_member).await;
    for hub in 0..2 {
        let is_current = async || (current(&town, hub).await == other.session()).then_some(());
        eventually("both hubs have moved on", SOON, is_current).await;
        for request in unnamed(&format!("two, hub {hub}")) {
            let served = town.served(hub, &request).await;
            assert_eq!((served.provider(), served.is_reuse()), (other.provider(), true));
        }
    }
    // Who names a session keeps to it.
    assert_eq!(town.served(1, &Request::named("first").key(&trusted)).await.provider(), first.provider());
    let kept = store.keys("session_pool:*").await.into_iter().collect::<Vec<_>>();
    assert_eq!(kept, ["session_pool:available", "session_pool:current", "session_pool:last_switch"]);
    town.close().await;
}
