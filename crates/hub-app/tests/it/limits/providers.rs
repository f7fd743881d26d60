//! Providers that have used up their money: passed over, never an error by themselves.

use hub_types::{AttemptReason, Dialect};
use serde_json::json;

use crate::sessions::ring::{Ring, named};

/// What one answer of the lab may cost at most.
const TINY: &str = "0.000001";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_over_a_limit_is_passed_over_until_there_is_room() {
    for limit in [
        json!({"limit_5h_usd": TINY}),
        json!({"limit_5h_usd": TINY, "limit_5h_reset_mode": "fixed"}),
        json!({"limit_daily_usd": TINY}),
        json!({"limit_daily_usd": TINY, "daily_reset_mode": "rolling"}),
        json!({"limit_weekly_usd": TINY}),
        json!({"limit_monthly_usd": TINY}),
        json!({"limit_total_usd": TINY}),
    ] {
        let mut better = limit.clone();
        better["priority"] = json!(0);
        let ring = Ring::start(Dialect::Claude, &[better, json!({"priority": 1})]).await;
        let [first, second] = [ring.members[0].0, ring.members[1].0];
        assert_eq!(ring.served(named("one")).await.provider(), first, "{limit}");
        // A session that is bound to it, too.
        for session in ["one", "two"] {
            let served = ring.served(named(session)).await;
            assert_eq!(served.provider(), second, "{limit}");
            assert_eq!(served.0.attempts.len(), 1);
            assert_eq!(served.0.attempts[0].reason, AttemptReason::InitialSelection);
        }
        let name = limit.as_object().unwrap().keys().find(|name| name.ends_with("_usd")).unwrap();
        ring.edit(first, json!({name.clone(): "100"})).await;
        assert_eq!(ring.served(named("three")).await.provider(), first, "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_left_is_no_limit_of_the_client() {
    let ring = Ring::start(Dialect::Claude, &[json!({"limit_daily_usd": TINY})]).await;
    assert_eq!(ring.send(named("one")).await.status, 200);
    let reply = ring.send(named("two")).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.text().contains("the health stage left none"), "{}", reply.text());
    assert!(!reply.text().contains("daily"), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_limits_switched_off_everybody_has_room() {
    let variables = [("ENABLE_RATE_LIMIT", "false")];
    let limits = [json!({"limit_total_usd": TINY, "limit_concurrent_sessions": 1})];
    let ring = Ring::with(&variables, json!({}), Dialect::Claude, &limits).await;
    for session in ["one", "two", "three"] {
        ring.served(named(session)).await;
    }
}
