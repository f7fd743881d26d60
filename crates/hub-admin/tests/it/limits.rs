//! Limits on the command line.

use std::sync::Arc;

use hub_rate_limit::{
    Admission, Amount, BudgetMode, Calendar, Known, Limits, MemoryLimits, MemoryRateLimiter, Payer,
    RateLimiter, Ticket, Verdict,
};
use hub_types::{AttemptId, Clock, KeyId, Money, MoneyLimits, ProviderId, RequestId, SystemClock, UserId};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::fixture::Admin;
use crate::server::{TOKEN, serve_with};

const ADD_PROVIDER: [&str; 7] =
    ["providers", "add", "main", "--url", "https://a.example", "--type", "claude"];

/// A request of user 1 and key 1 that cost a dollar and a half has ended.
async fn use_up(limiter: &MemoryRateLimiter) {
    let now = SystemClock.now();
    let money = MoneyLimits { limit_total_usd: Some(Money::from_usd(5)), ..MoneyLimits::default() };
    let limits = Limits { rpm: Some(60), money: &money, tokens: Some(1000) };
    let ticket = Ticket { request: RequestId::fresh(), user: UserId(1), key: KeyId(1) };
    let admission = Admission {
        ticket,
        user: limits,
        key: limits,
        estimate: Amount::default(),
        worst_case: Amount::default(),
        mode: BudgetMode::Balanced,
    };
    assert_eq!(limiter.admit(&admission, now).await.unwrap(), Known::Yes(Verdict::Admitted));
    let cost = Amount { money: Money::from_nanos(1_500_000_000), tokens: 250 };
    limiter.settle(ticket, cost, now);
    limiter.room(&[(ProviderId(1), limits)], now).await.unwrap();
    limiter.charge(AttemptId::fresh(), Payer::Provider(ProviderId(1)), cost, now);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_hub_shows_and_resets_limits() {
    let admin = Admin::new().with("ADMIN_TOKEN", TOKEN);
    let bounds = MemoryLimits { has_ledger: false, ..MemoryLimits::default() };
    let calendar = Arc::new(Calendar::new(TimeZone::UTC));
    let limiter = Arc::new(MemoryRateLimiter::new(bounds, calendar, SystemClock.now()));
    let counters = Arc::clone(&limiter);
    let (address, _tasks) = serve_with(&admin, |management| management.with_limiter(Some(counters))).await;
    let server = |args: &[&str]| admin.run(&[&["--server", &address], args].concat());
    server(&["users", "add", "ada", "limit_total_usd=5"]).ok();
    server(&["keys", "add", "ada", "laptop", "token_limit=1000", "limit_total_usd=2.5"]).ok();
    server(&["users", "add", "bob"]).ok();
    use_up(&limiter).await;

    insta::assert_snapshot!("limits_of_user_en", server(&["limits", "show", "--user", "ada"]).ok());
    let shown = server(&["--json", "limits", "show", "--key", "ada/laptop"]).json();
    let window = |limit_type: &str, used, reserved, limit| json!({"limit_type": limit_type, "used": used, "reserved": reserved, "limit": limit, "reset": null});
    let expected = json!({"cost_reset_at": null, "windows": [
        window("usd_total", json!("1.5"), json!("0"), json!("2.5")),
        window("tokens_total", json!(250), json!(0), json!(1000)),
    ]});
    assert_eq!(shown, expected);
    let none = server(&["limits", "show", "--user", "bob"]);
    assert!(none.stderr.contains("User bob (2) has no limits") && none.code == 0, "{none:?}");

    let reset = server(&["limits", "reset", "--key", "1"]);
    assert!(reset.stderr.contains("Key laptop (1): money and tokens count from now on"), "{reset:?}");
    let shown = server(&["--json", "limits", "show", "--key", "1"]).json();
    assert_eq!(shown["windows"][1]["used"], 0);
    assert!(shown["cost_reset_at"].is_string());
    let reset = server(&["--json", "limits", "reset", "--user", "ada"]).json();
    assert_eq!(reset["id"], 1);
    assert!(reset["cost_reset_at"].is_string());

    server(&[&ADD_PROVIDER[..], &["limit_total_usd=5"]].concat()).ok();
    let shown = || server(&["--json", "limits", "show", "--provider", "main"]).json();
    let spent = window("usd_total", json!("1.5"), json!("0"), json!("5"));
    assert_eq!(shown(), json!({"cost_reset_at": null, "windows": [spent]}));
    let reset = server(&["limits", "reset", "--provider", "main"]);
    assert!(reset.stderr.contains("Provider main (1): money and tokens count from now on"), "{reset:?}");
    assert_eq!(shown()["windows"][0]["used"], "0");
}

#[test]
fn on_the_stores_limits_are_reset_but_not_shown() {
    let admin = Admin::new().with("LANG", "zh_CN.UTF-8");
    admin.run(&["users", "add", "ada"]).ok();
    let refused = admin.run(&["limits", "show", "--user", "ada"]).refused(2);
    assert!(refused.contains("--server"), "{refused}");
    let reset = admin.run(&["--json", "limits", "reset", "--user", "ada"]).json();
    assert!(reset["cost_reset_at"].is_string());
    assert!(admin.run(&["limits", "reset", "--user", "1"]).stderr.contains("用户 ada (1)：金额和令牌"));
    admin.run(&ADD_PROVIDER).ok();
    let reset = admin.run(&["--json", "limits", "reset", "--provider", "main"]).json();
    assert!(reset["total_cost_reset_at"].is_string(), "{reset}");
    admin.run(&["limits", "reset", "--provider", "other"]).refused(1);
    admin.run(&["limits", "reset", "--user", "1", "--provider", "1"]).refused(2);
    admin.run(&["limits", "reset"]).refused(2);
    admin.run(&["limits", "reset", "--user", "1", "--key", "1"]).refused(2);
    admin.run(&["limits", "reset", "--user", "eve"]).refused(1);
}
