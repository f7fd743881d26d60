//! Counts of requests that limits refused.

use axum::http::Method;
use hub_types::{KeyId, Outcome, RequestRecord, UserId};
use serde_json::{Value, json};

use crate::fixture::Api;
use crate::reports::record;

/// That many requests of a user and key that a limit refused.
async fn refuse(api: &Api, at: &str, limit: &str, [user, key]: [i64; 2], count: usize) {
    let records: Vec<_> = (0..count)
        .map(|_| RequestRecord {
            user_id: Some(UserId(user)),
            key_id: Some(KeyId(key)),
            outcome: Outcome::Refused,
            error_code: Some(limit.to_owned()),
            status: 429,
            attempts: Vec::new(),
            ..record(at, 0)
        })
        .collect();
    api.repository.write_records(&records).await.unwrap();
}

/// Two people whose requests were refused; the key of the first.
async fn refusals(api: &Api) -> String {
    let (ada, laptop, token) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let (bob, desktop, _) = api.user_with_key("bob", json!({"name": "desktop"})).await;
    refuse(api, "2026-03-01T12:10:00Z", "rpm", [ada, laptop], 3).await;
    refuse(api, "2026-03-01T12:20:00Z", "usd_daily", [ada, laptop], 1).await;
    refuse(api, "2026-03-01T12:20:00Z", "concurrent_sessions", [bob, desktop], 2).await;
    refuse(api, "2026-03-01T11:59:59Z", "rpm", [bob, desktop], 4).await;
    refuse(api, "2026-02-27T11:00:00Z", "rpm", [bob, desktop], 5).await;
    token
}

fn told(list: &Value) -> Vec<(&str, &str, &str, &Value)> {
    let rows = list["items"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            let word = |name: &str| row[name].as_str().unwrap();
            (word("hour"), word("limit_type"), word("user_name"), &row["count"])
        })
        .collect()
}

#[tokio::test]
async fn refusals_are_counted_by_hour_limit_user_and_key() {
    let api = Api::start().await;
    refusals(&api).await;
    let list = api.get("/limit-events").await.ok();
    let (noon, eleven) = ("2026-03-01T12:00:00Z", "2026-03-01T11:00:00Z");
    let expected = [
        (noon, "concurrent_sessions", "bob", &json!(2)),
        (noon, "rpm", "ada", &json!(3)),
        (noon, "usd_daily", "ada", &json!(1)),
        (eleven, "rpm", "bob", &json!(4)),
    ];
    assert_eq!(told(&list), expected);
    assert_eq!(list["items"][1]["key_name"], "laptop");
    let of = async |query: &str| api.get(&format!("/limit-events?{query}")).await.ok();
    assert_eq!(told(&of("limit_type=rpm").await), [expected[1], expected[3]]);
    assert_eq!(told(&of("key_id=2").await), [expected[0], expected[3]]);
    assert_eq!(told(&of("user_id=1&to=2026-03-01T12:00:00Z").await), []);
    assert_eq!(told(&of("from=2026-02-01T00:00:00Z&user_id=2").await).len(), 3);
    for (query, field) in [("limit_type=luck", "limit_type"), ("from=2027-01-01T00:00:00Z", "from")] {
        let refused = api.get(&format!("/limit-events?{query}")).await.problem(422, "invalid");
        assert_eq!(refused, [field], "{query}");
    }
}

#[tokio::test]
async fn pages_of_refusals_join_without_gap_or_repetition() {
    let api = Api::start().await;
    refusals(&api).await;
    let (mut paged, mut query) = (Vec::new(), "limit=1".to_owned());
    loop {
        let page = api.get(&format!("/limit-events?{query}")).await.ok();
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=1&cursor={cursor}");
    }
    assert_eq!(json!(paged), api.get("/limit-events").await.ok()["items"]);
    assert_eq!(api.get("/limit-events?cursor=x").await.problem(422, "invalid"), ["cursor"]);
}

#[tokio::test]
async fn people_see_only_their_own_refusals() {
    let api = Api::start().await;
    let token = refusals(&api).await;
    let ask = async |path: &str| api.call(Method::GET, path).bearer(&token).send().await;
    let own = ask("/limit-events").await.ok();
    assert_eq!(told(&own).iter().map(|row| row.2).collect::<Vec<_>>(), ["ada", "ada"]);
    assert_eq!(ask("/limit-events?key_id=2").await.ok()["items"], json!([]));
    ask("/limit-events?user_id=2").await.problem(404, "not_found");
}
