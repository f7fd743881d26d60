use hub_rate_limit::RESERVED_RETRY;
use hub_types::{ApiKey, HubKey, KeyId, User, UserId};

use super::*;

fn caller() -> Caller {
    let key = HubKey::parse(&format!("cch_{}", "a".repeat(40))).unwrap();
    Caller { key: ApiKey::new(KeyId(2), UserId(1), "laptop", &key), user: User::new(UserId(1), "ada") }
}

fn usd(text: &str) -> Quantity {
    Quantity::Money(text.parse().unwrap())
}

fn spent() -> Refusal {
    Refusal {
        owner: Owner::Key(UserId(1), KeyId(2)),
        limit_type: LimitType::UsdDaily,
        cause: Cause::Spent,
        current: usd("5.00001"),
        reserved: usd("0"),
        limit: usd("5"),
        reset: Some("2025-12-31T16:00:00Z".parse().unwrap()),
        retry_after: Some(Duration::from_millis(90_001)),
    }
}

fn told(refusal: &Refusal) -> LimitReached {
    LimitReached::window(&caller(), refusal, &TimeZone::get("Asia/Shanghai").unwrap())
}

#[test]
fn a_spent_window_says_whose_how_much_and_when_it_turns() {
    let reached = told(&spent());
    assert_eq!(
        reached.to_string(),
        "daily limit of key \"laptop\" is used up: 5.00001 of 5.0000 USD, resets 2026-01-01T00:00:00+08:00"
    );
    assert_eq!(reached.retry_after(), Some(Duration::from_secs(91)));
    assert_eq!(
        Value::Object(reached.members()),
        json!({
            "limit_type": "usd_daily", "current": "5.00001", "reserved": "0", "limit": "5",
            "reset": "2026-01-01T00:00:00+08:00",
        })
    );
    let headers = [
        ("x-ratelimit-limit", "5.0000".to_owned()),
        ("x-ratelimit-remaining", "0.0000".to_owned()),
        ("x-ratelimit-reset", "1767196800".to_owned()),
    ];
    assert_eq!(reached.headers(), headers);
}

#[test]
fn a_total_does_not_promise_that_waiting_helps() {
    let owner = Owner::User(UserId(1));
    let reached = told(&Refusal {
        owner,
        limit_type: LimitType::TokensTotal,
        current: Quantity::Count(1200),
        reserved: Quantity::Count(0),
        limit: Quantity::Count(1000),
        reset: None,
        retry_after: None,
        ..spent()
    });
    assert_eq!(
        reached.to_string(),
        "token limit of user \"ada\" is used up: 1200 of 1000: ask the administrator of this hub"
    );
    assert_eq!(reached.retry_after(), None);
    assert_eq!(reached.members()["reset"], Value::Null);
    assert_eq!(reached.members()["current"], json!(1200));
    assert!(reached.headers().iter().all(|(name, _)| *name != "x-ratelimit-reset"));
}

#[test]
fn what_is_only_reserved_says_so_and_asks_to_come_back_soon() {
    let reached = told(&Refusal {
        cause: Cause::Reserved,
        current: usd("4.5"),
        reserved: usd("0.4"),
        retry_after: Some(RESERVED_RETRY),
        ..spent()
    });
    assert_eq!(
        reached.to_string(),
        "daily limit of key \"laptop\" is taken for the moment: 4.5000 of 5.0000 USD used, 0.4000 USD \
         reserved for requests in flight; try again in 2 s"
    );
    assert_eq!(reached.headers()[1], ("x-ratelimit-remaining", "0.1000".to_owned()));
}

#[test]
fn a_request_that_is_too_large_is_told_to_ask_for_less() {
    let reached = told(&Refusal { cause: Cause::TooLarge, current: usd("4.9"), ..spent() });
    assert_eq!(
        reached.to_string(),
        "this request may take more than the daily limit of key \"laptop\" has left: 4.9000 of 5.0000 USD \
         used; ask for fewer tokens, resets 2026-01-01T00:00:00+08:00"
    );
}

#[test]
fn a_reset_within_a_second_counts_as_the_next_one() {
    let reached = told(&Refusal {
        limit_type: LimitType::Rpm,
        current: Quantity::Count(3),
        reserved: Quantity::Count(0),
        limit: Quantity::Count(3),
        reset: Some("2025-12-31T16:00:00.001Z".parse().unwrap()),
        retry_after: Some(Duration::from_millis(1)),
        ..spent()
    });
    assert_eq!(reached.headers()[2], ("x-ratelimit-reset", "1767196801".to_owned()));
    assert_eq!(reached.retry_after(), Some(Duration::from_secs(1)));
    assert!(
        reached.to_string().starts_with("requests-per-minute limit of key \"laptop\" is used up: 3 of 3")
    );
}

#[test]
fn every_limit_is_counted_under_the_word_that_is_told() {
    let sessions = LimitKind::ConcurrentSessions { current: 1, limit: 1 };
    let sessions = LimitReached { kind: sessions, ..told(&spent()) }.limit_type();
    let told: Vec<&str> = LimitType::ALL.into_iter().map(LimitType::as_str).chain([sessions]).collect();
    assert_eq!(told, hub_types::LIMIT_WORDS);
}
