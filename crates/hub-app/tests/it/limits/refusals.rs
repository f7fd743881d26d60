//! What a request is refused for, and what its client is told.

use hub_types::{Clock as _, Dialect, SystemClock};
use serde_json::{Value, json};

use super::till::{TOKENS, Till};
use crate::harness::client::{Reply, Request};
use crate::harness::speech;

fn refused(reply: &Reply) -> Value {
    assert_eq!(reply.status, 429, "{}", reply.text());
    serde_json::from_str(&reply.text()).unwrap()
}

fn passed(reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_budget_is_told_in_each_dialect() {
    for dialect in Dialect::ALL {
        let price = Till::price(dialect).to_string();
        let till = Till::open(&[("TZ", "Asia/Shanghai")], json!({}), json!({"limit_daily_usd": price})).await;
        passed(&till.ask(dialect).await);
        let reply = till.ask(dialect).await;
        let body = refused(&reply);
        let error = &body["error"];
        assert_eq!(error["limit_type"], "usd_daily", "{dialect}");
        assert_eq!((&error["current"], &error["limit"]), (&json!(price), &json!(price)), "{dialect}");
        let reset = error["reset"].as_str().unwrap();
        assert!(reset.ends_with("T00:00:00+08:00"), "{reset}");
        // With four decimals at least.
        let told = format!("{price:0<6}");
        assert_eq!(
            error["message"].as_str().unwrap(),
            format!("daily limit of key \"laptop\" is used up: {told} of {told} USD, resets {reset}")
        );
        match dialect {
            Dialect::Claude => {
                assert_eq!((&body["type"], &error["type"]), (&json!("error"), &json!("rate_limit_error")));
            }
            Dialect::OpenAi | Dialect::Responses => {
                assert_eq!(error["type"], "rate_limit_error");
                assert_eq!(error["code"], "rate_limit_exceeded");
            }
            Dialect::Gemini | Dialect::GeminiCli => {
                assert_eq!((&error["code"], &error["status"]), (&json!(429), &json!("RESOURCE_EXHAUSTED")));
            }
        }
        let turn: i64 = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert_eq!(turn, reset.parse::<jiff::Timestamp>().unwrap().as_second());
        let wait: i64 = reply.header("retry-after").unwrap().parse().unwrap();
        let until = turn - SystemClock.now().as_second();
        assert!((until - 5..=until + 5).contains(&wait), "{wait} {until}");
        assert!(reply.header("x-ratelimit-limit").unwrap().starts_with(&price));
        assert_eq!(reply.header("x-ratelimit-remaining"), Some("0.0000"));
        let record = till.hub.record(reply.id()).await;
        assert_eq!(record.request.status, 429);
        assert_eq!(record.request.error_code.as_deref(), Some("usd_daily"));
        assert_eq!(till.lab.witness().totals().answered, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dimension_refuses_at_its_limit_and_not_before() {
    let price = Till::price(Dialect::Claude);
    let (one, two) = (price.to_string(), (price + price).to_string());
    let tokens = TOKENS;
    for (limit, word, waits) in [
        (json!({"limit_5h_usd": two}), "usd_5h", true),
        (json!({"limit_5h_usd": two, "limit_5h_reset_mode": "fixed"}), "usd_5h", true),
        (json!({"limit_daily_usd": two}), "usd_daily", true),
        (json!({"limit_daily_usd": two, "daily_reset_mode": "rolling"}), "usd_daily", true),
        (json!({"limit_weekly_usd": two}), "usd_weekly", true),
        (json!({"limit_monthly_usd": two}), "usd_monthly", true),
        (json!({"limit_total_usd": two}), "usd_total", false),
        (json!({"rpm_limit": 2}), "rpm", true),
        (json!({"token_limit": tokens * 2}), "tokens_total", false),
    ] {
        for is_users in [false, true] {
            if is_users && word == "tokens_total" {
                continue;
            }
            let (user, key) = if is_users { (limit.clone(), json!({})) } else { (json!({}), limit.clone()) };
            let till = Till::open(&[], user, key).await;
            passed(&till.ask(Dialect::Claude).await);
            passed(&till.ask(Dialect::Claude).await);
            let reply = till.ask(Dialect::Claude).await;
            let error = refused(&reply)["error"].clone();
            assert_eq!(error["limit_type"], word);
            assert_eq!(reply.header("retry-after").is_some(), waits, "{word}");
            assert_eq!(error["reset"].is_string(), waits, "{word}");
            assert_eq!(reply.header("x-ratelimit-reset").is_some(), waits, "{word}");
            let whose = if is_users { "user \"ada\"" } else { "key \"laptop\"" };
            assert!(error["message"].as_str().unwrap().contains(whose), "{error}");
            // The limit belongs to the user, not to one of the keys.
            let other = till.another_key("other").await;
            let reply = till.ask_with(Dialect::Claude, &other).await;
            assert_eq!(reply.status, if is_users { 429 } else { 200 }, "{word}");
        }
    }
    // Above the price of one request, below that of two: the second one passes as anything is left.
    let limit = (price + hub_types::Money::from_nanos(1)).to_string();
    let till = Till::open(&[], json!({}), json!({"limit_total_usd": limit})).await;
    passed(&till.ask(Dialect::Claude).await);
    passed(&till.ask(Dialect::Claude).await);
    assert_eq!(refused(&till.ask(Dialect::Claude).await)["error"]["limit_type"], "usd_total");
    till.edit_key(till.key.id, json!({"limit_total_usd": null})).await;
    passed(&till.ask(Dialect::Claude).await);
    till.edit_key(till.key.id, json!({"limit_total_usd": one})).await;
    assert_eq!(
        refused(&till.ask(Dialect::Claude).await)["error"]["current"],
        json!((price + price + price).to_string())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_costs_nothing_is_not_limited() {
    let till = Till::open(&[], json!({}), json!({"rpm_limit": 1, "limit_total_usd": "0.0001"})).await;
    passed(&till.ask(Dialect::Claude).await);
    assert_eq!(till.ask(Dialect::Claude).await.status, 429);
    let count = Request::post("/v1/messages/count_tokens", speech::body(Dialect::Claude, false));
    passed(&count.key(&till.key.text).send(till.hub.address).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_request_costs_nothing_but_counts_as_one() {
    let till = Till::open(&[], json!({}), json!({"rpm_limit": 2, "limit_total_usd": "0.0001"})).await;
    let failing = Request::post(speech::path(Dialect::Claude, false), speech::body(Dialect::Claude, false))
        .header("x-lab", "status=400");
    assert_eq!(failing.key(&till.key.text).send(till.hub.address).await.status, 400);
    passed(&till.ask(Dialect::Claude).await);
    assert_eq!(refused(&till.ask(Dialect::Claude).await)["error"]["limit_type"], "usd_total");
    till.edit_key(till.key.id, json!({"limit_total_usd": null})).await;
    assert_eq!(refused(&till.ask(Dialect::Claude).await)["error"]["limit_type"], "rpm");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_limits_switched_off_nobody_is_refused() {
    let strict = json!({"rpm_limit": 1, "limit_total_usd": "0.0001", "limit_concurrent_sessions": 1});
    let till = Till::open(&[("ENABLE_RATE_LIMIT", "false")], strict.clone(), strict).await;
    for session in ["one", "two", "three"] {
        let request = Request::post("/v1/messages", speech::body(Dialect::Claude, false))
            .header("x-claude-code-session-id", session);
        passed(&request.key(&till.key.text).send(till.hub.address).await);
    }
}
