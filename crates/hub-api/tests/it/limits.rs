//! How much of limits is taken, and starting over, over REST.

use std::sync::Arc;

use axum::http::Method;
use hub_rate_limit::{
    Admission, Amount, BudgetMode, Calendar, Known, Limits, MemoryLimits, MemoryRateLimiter, RateLimiter,
    Ticket, Verdict,
};
use hub_types::{KeyId, Money, RequestId, UserId};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Api};

/// The interface of a hub that counts from now on.
pub(crate) async fn counting() -> (Api, Arc<MemoryRateLimiter>) {
    let bounds = MemoryLimits { has_ledger: false, ..MemoryLimits::default() };
    let started = "2026-03-01T12:30:00Z".parse().unwrap();
    let limiter = Arc::new(MemoryRateLimiter::new(bounds, Arc::new(Calendar::new(TimeZone::UTC)), started));
    let shared = Arc::clone(&limiter);
    (Api::start_with(|management| management.with_limiter(Some(shared))).await, limiter)
}

/// A request of 250 tokens and half a dollar has ended, another one that may cost two dollars is under way.
pub(crate) async fn use_up(api: &Api, limiter: &MemoryRateLimiter, user: i64, key: i64) {
    let (user, key) = (UserId(user), KeyId(key));
    let user_row = api.repository.find_user(user).await.unwrap().unwrap();
    let key_row = api.repository.find_key(key).await.unwrap().unwrap();
    let now = hub_types::Clock::now(&*api.clock);
    let usd = |nanos| Money::from_nanos(nanos);
    for estimate in [1, 2_000_000_000] {
        let ticket = Ticket { request: RequestId::fresh(), user, key };
        let admission = Admission {
            ticket,
            user: Limits::from(&user_row),
            key: Limits::from(&key_row),
            estimate: Amount { money: usd(estimate), tokens: 0 },
            worst_case: Amount::default(),
            mode: BudgetMode::Balanced,
        };
        assert_eq!(limiter.admit(&admission, now).await.unwrap(), Known::Yes(Verdict::Admitted));
        if estimate == 1 {
            limiter.settle(ticket, Amount { money: usd(500_000_000), tokens: 250 }, now);
        }
    }
}

fn window(limit_type: &str, [used, reserved, limit]: [Value; 3], reset: Option<&str>) -> Value {
    json!({"limit_type": limit_type, "used": used, "reserved": reserved, "limit": limit, "reset": reset})
}

#[tokio::test]
async fn limits_show_what_is_used_and_reserved_and_when_they_reset() {
    let (api, limiter) = counting().await;
    let key =
        json!({"name": "laptop", "token_limit": 1000, "limit_5h_usd": "7", "limit_5h_reset_mode": "fixed"});
    let (user, key, token) = api.user_with_key("ada", key).await;
    let limits =
        json!({"rpm_limit": 10, "limit_daily_usd": 20, "limit_weekly_usd": 50, "limit_total_usd": 99.5});
    api.patch(&format!("/users/{user}"), limits).await.ok();
    use_up(&api, &limiter, user, key).await;
    let shown = api.get(&format!("/users/{user}/limits")).await.ok();
    let money = |limit: &str| [json!("0.5"), json!("2"), json!(limit)];
    let expected = json!({"cost_reset_at": null, "windows": [
        // The last of the requests has aged out when its second has.
        window("rpm", [json!(2), json!(0), json!(10)], Some("2026-03-01T12:31:01Z")),
        window("usd_daily", money("20"), Some("2026-03-02T00:00:00Z")),
        window("usd_weekly", money("50"), Some("2026-03-02T00:00:00Z")),
        window("usd_total", money("99.5"), None),
    ]});
    assert_eq!(shown, expected);
    let own = api.call(Method::GET, &format!("/keys/{key}/limits")).bearer(&token).send().await.ok();
    let expected = json!({"cost_reset_at": null, "windows": [
        window("usd_5h", money("7"), Some("2026-03-01T17:30:00Z")),
        window("tokens_total", [json!(250), json!(0), json!(1000)], None),
    ]});
    assert_eq!(own, expected);
}

#[tokio::test]
async fn a_reset_begins_money_and_tokens_anew_and_is_audited() {
    let (api, limiter) = counting().await;
    let key = json!({"name": "laptop", "token_limit": 1000, "limit_total_usd": 5});
    let (user, key, _) = api.user_with_key("ada", key).await;
    api.patch(&format!("/users/{user}"), json!({"rpm_limit": 10, "limit_daily_usd": 20})).await.ok();
    use_up(&api, &limiter, user, key).await;
    api.clock.advance(60);
    let view = api.post(&format!("/users/{user}/limits/reset"), json!(null)).await.ok();
    assert_eq!(view["cost_reset_at"], "2026-03-01T12:31:00Z");
    let used = async |path: String| {
        let shown = api.get(&path).await.ok();
        shown["windows"].as_array().unwrap().iter().map(|window| window["used"].clone()).collect::<Vec<_>>()
    };
    // Requests per minute go on, and so do the windows of the key.
    assert_eq!(used(format!("/users/{user}/limits")).await, [json!(2), json!("0")]);
    assert_eq!(used(format!("/keys/{key}/limits")).await, [json!("0.5"), json!(250)]);
    let view = api.post(&format!("/keys/{key}/limits/reset"), json!(null)).await.ok();
    assert_eq!(view["cost_reset_at"], "2026-03-01T12:31:00Z");
    assert_eq!(used(format!("/keys/{key}/limits")).await, [json!("0"), json!(0)]);
    let audit = api.get("/audit").await.ok();
    let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|row| &row["action"]).collect();
    assert_eq!(actions[..2], ["key.limits_reset", "user.limits_reset"]);
    assert_eq!(audit["items"][0]["target"], format!("key:{key}"));
}

#[tokio::test]
async fn a_providers_windows_are_shown_and_begin_anew_for_admins_only() {
    let (api, limiter) = counting().await;
    let provider = json!({
        "name": "main", "url": "https://api.example", "provider_type": "claude", "credential": "sk-0123456789",
        "limit_daily_usd": 3, "limit_total_usd": 9,
    });
    let made = api.post("/providers", provider).await.created();
    let (id, generation) = (made["id"].as_i64().unwrap(), made["generation"].clone());
    let attempt = hub_types::AttemptId::fresh();
    let paid = Amount { money: Money::from_nanos(2_500_000_000), tokens: 10 };
    let payer = hub_rate_limit::Payer::Provider(hub_types::ProviderId(id));
    // Counters begin with the limits: somebody asks, and then there is a charge.
    api.get(&format!("/providers/{id}/limits")).await.ok();
    limiter.charge(attempt, payer, paid, hub_types::Clock::now(&*api.clock));
    let path = format!("/providers/{id}/limits");
    let money = |used: &str, limit: &str| [json!(used), json!("0"), json!(limit)];
    let shown = api.get(&path).await.ok();
    let expected = json!({"cost_reset_at": null, "windows": [
        window("usd_daily", money("2.5", "3"), Some("2026-03-02T00:00:00Z")),
        window("usd_total", money("2.5", "9"), None),
    ]});
    assert_eq!(shown, expected);
    api.clock.advance(60);
    let view = api.post(&format!("{path}/reset"), json!(null)).await.ok();
    assert_eq!(view["total_cost_reset_at"], "2026-03-01T12:31:00Z");
    assert_eq!(view["generation"], generation, "sessions stay bound to it");
    assert_eq!(view["credential"], made["credential"]);
    let shown = api.get(&path).await.ok();
    assert_eq!(shown["cost_reset_at"], "2026-03-01T12:31:00Z");
    assert_eq!([&shown["windows"][0]["used"], &shown["windows"][1]["used"]], ["0", "0"]);
    let audit = api.get("/audit").await.ok();
    assert_eq!(audit["items"][0]["action"], "provider.limits_reset");
    assert!(!audit.to_string().contains("sk-0123456789"));
    let (_, _, token) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let ask = async |method, path: &str| api.call(method, path).bearer(&token).send().await;
    ask(Method::GET, &path).await.problem(403, "forbidden");
    ask(Method::POST, &format!("{path}/reset")).await.problem(403, "forbidden");
    api.post("/providers/99/limits/reset", json!(null)).await.problem(404, "not_found");
}

#[tokio::test]
async fn people_see_their_own_limits_and_only_admins_reset_them() {
    let (api, _) = counting().await;
    let (ada, ada_key, token) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let (bob, bob_key, _) = api.user_with_key("bob", json!({"name": "desktop"})).await;
    let ask = async |method: Method, path: String| api.call(method, &path).bearer(&token).send().await;
    for own in [format!("/users/{ada}/limits"), format!("/keys/{ada_key}/limits")] {
        let shown = ask(Method::GET, own.clone()).await.ok();
        assert_eq!(shown, json!({"cost_reset_at": null, "windows": []}));
        ask(Method::POST, format!("{own}/reset")).await.problem(403, "forbidden");
    }
    for others in [format!("/users/{bob}/limits"), format!("/keys/{bob_key}/limits")] {
        ask(Method::GET, others).await.problem(404, "not_found");
    }
    let nobody = api.call(Method::GET, "/users/9/limits").bearer(ADMIN).send().await;
    nobody.problem(404, "not_found");
    api.post("/keys/9/limits/reset", json!(null)).await.problem(404, "not_found");
}

#[tokio::test]
async fn where_nothing_is_counted_limits_can_be_reset_but_not_shown() {
    let api = Api::start().await;
    let (user, key, _) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    api.get(&format!("/users/{user}/limits")).await.problem(503, "no_limits");
    api.get(&format!("/keys/{key}/limits")).await.problem(503, "no_limits");
    let view = api.post(&format!("/users/{user}/limits/reset"), json!(null)).await.ok();
    assert_eq!(view["cost_reset_at"], "2026-03-01T12:30:00Z");
}
