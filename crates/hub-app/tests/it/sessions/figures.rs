//! What `/metrics` says of sessions.

use hub_lab::Behaviour;
use hub_management::ListQuery;
use hub_testkit::Redis;
use hub_types::{Clock, Dialect, SystemClock};
use serde_json::json;

use super::ring::{Ring, named};
use crate::harness::client::Request;
use crate::harness::world::{ME, object};

/// A figure by its name and labels; 0 if it was never counted.
async fn figure(ring: &Ring, name: &str) -> u64 {
    shown(ring, name).await.unwrap_or(0)
}

async fn shown(ring: &Ring, name: &str) -> Option<u64> {
    let page = Request::get("/metrics").send(ring.hub.address).await.text();
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.to_owned();
    Some(line.strip_suffix(".0").unwrap_or(&line).parse().unwrap())
}

async fn bindings(ring: &Ring) -> [u64; 5] {
    let mut counts = [0; 5];
    for (count, result) in counts.iter_mut().zip(["followed", "none", "passed_over", "returned", "dropped"]) {
        *count = figure(ring, &format!(r#"hub_session_bindings_total{{result="{result}"}}"#)).await;
    }
    counts
}

async fn refusals(ring: &Ring) -> [u64; 3] {
    let mut counts = [0; 3];
    for (count, scope) in counts.iter_mut().zip(["key", "user", "provider"]) {
        *count = figure(ring, &format!(r#"hub_session_refusals_total{{scope="{scope}"}}"#)).await;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_counts_once_by_what_its_binding_meant() {
    let ring = Ring::start(
        Dialect::Claude,
        &[json!({"priority": 0, "fail_back": "never"}), json!({"priority": 1}), json!({"priority": 2})],
    )
    .await;
    let first = ring.members[0].0;
    ring.served(named("s")).await;
    assert_eq!(bindings(&ring).await, [0, 1, 0, 0, 0]);
    assert_eq!(figure(&ring, "hub_sessions").await, 1);
    // A failover on the way is no second count.
    ring.plays(first, Behaviour { status: Some(500), ..Behaviour::default() });
    assert_eq!(ring.served(named("s")).await.0.attempts.len(), 2);
    assert_eq!(bindings(&ring).await, [1, 1, 0, 0, 0]);
    ring.plays(first, Behaviour::default());
    ring.edit(first, json!({"fail_back": "at_once"})).await;
    assert_eq!(ring.served(named("s")).await.provider(), first);
    assert_eq!(bindings(&ring).await, [1, 1, 0, 1, 0]);
    ring.edit(first, json!({"allowed_models": [{"match": "exact", "pattern": "another"}]})).await;
    assert_ne!(ring.served(named("s")).await.provider(), first);
    assert_eq!(bindings(&ring).await, [1, 1, 0, 1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bound_provider_outside_of_its_hours_is_passed_over() {
    let ring = Ring::start(Dialect::Claude, &[json!({"priority": 0}), json!({"priority": 1})]).await;
    let first = ring.members[0].0;
    ring.served(named("s")).await;
    let now = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC);
    let at = |hours: i64| now.saturating_add(jiff::Span::new().hours(hours)).strftime("%H:%M").to_string();
    ring.edit(first, json!({"active_time_start": at(2), "active_time_end": at(3)})).await;
    assert_ne!(ring.served(named("s")).await.provider(), first);
    assert_eq!(bindings(&ring).await, [0, 1, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_count_by_whose_limit_it_was() {
    let ring = Ring::with(
        &[],
        json!({"limit_concurrent_sessions": 2}),
        Dialect::Claude,
        &[json!({"priority": 0, "limit_concurrent_sessions": 1}), json!({"priority": 1})],
    )
    .await;
    ring.served(named("one")).await;
    assert_eq!(refusals(&ring).await, [0, 0, 0]);
    ring.served(named("two")).await;
    assert_eq!(refusals(&ring).await, [0, 0, 1]);
    assert_eq!(ring.send(named("three")).await.status, 429);
    assert_eq!(refusals(&ring).await, [1, 0, 1]);
    let management = ring.hub.management();
    let owner = management.list_users(&ME, &ListQuery::default()).await.unwrap().items[0].id;
    management.update_user(&ME, owner, &object(json!({"limit_concurrent_sessions": 2}))).await.unwrap();
    let other = management.create_key(&ME, owner, &object(json!({"name": "other"}))).await.unwrap().key;
    ring.hub.app.catch_up().await;
    assert_eq!(named("four").key(&other).send(ring.hub.address).await.status, 429);
    assert_eq!(refusals(&ring).await, [1, 1, 1]);
    // Who was refused was never held against a binding.
    assert_eq!(bindings(&ring).await, [0, 2, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_counted_where_there_is_one() {
    let of_redis = [
        "hub_session_lost_writes_total",
        "hub_redis_batches_total",
        "hub_redis_commands_total",
        "hub_redis_timeouts_total",
        "hub_redis_skipped_total",
        "hub_redis_gate_open",
    ];
    let alone = Ring::of(Dialect::Claude, 1).await;
    for name in of_redis {
        assert_eq!(shown(&alone, name).await, None, "{name}");
    }
    let redis = Redis::start().await.unwrap();
    let variables = [("REDIS_URL", redis.url())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ring = Ring::with(&variables, json!({}), Dialect::Claude, &[json!({})]).await;
    ring.served(named("s")).await;
    assert!(figure(&ring, "hub_redis_batches_total").await > 0);
    assert!(figure(&ring, "hub_redis_commands_total").await > figure(&ring, "hub_redis_batches_total").await);
    for name in ["hub_session_lost_writes_total", "hub_redis_skipped_total", "hub_redis_gate_open"] {
        assert_eq!(shown(&ring, name).await, Some(0), "{name}");
    }
    redis.freeze().unwrap();
    let skipping = async {
        while figure(&ring, "hub_redis_gate_open").await == 0 {
            ring.served(named("s")).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), skipping).await.unwrap();
    ring.served(named("s")).await;
    assert!(figure(&ring, "hub_redis_timeouts_total").await > 2);
    assert!(figure(&ring, "hub_redis_skipped_total").await > 0);
    let losing = async {
        while figure(&ring, "hub_session_lost_writes_total").await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), losing).await.unwrap();
    redis.thaw().unwrap();
}
