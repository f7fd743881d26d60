//! Requests and usage over REST.

use axum::http::Method;
use hub_types::{
    Attempt, AttemptId, AttemptReason, ClientInfo, CostBreakdown, Dialect, Endpoint, KeyId, Money,
    Multiplier, Outcome, ProviderId, ProviderType, RequestId, RequestRecord, StageCount, Timings, Usage,
    UsageSource, UserId,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fixture::Api;

/// A request of key 1 of user 1 that provider 7 answered.
pub(crate) fn record(at: &str, cost_nanos: i64) -> RequestRecord {
    let at: Timestamp = at.parse().unwrap();
    let cost = Money::from_nanos(cost_nanos);
    let timings = Timings {
        queued_us: 900,
        connected_us: Some(15),
        first_byte_us: Some(120_000),
        first_content_us: Some(150_999),
        total_us: 2_000_500,
    };
    let usage =
        Usage { input: 100, output: 50, reasoning: 10, cache_read: 7, cache_write_5m: 5, cache_write_1h: 3 };
    let attempt = Attempt {
        id: AttemptId::fresh(),
        provider_id: ProviderId(7),
        provider_name: "main".to_owned(),
        provider_type: ProviderType::Claude,
        reason: AttemptReason::InitialSelection,
        priority: 0,
        weight: 1,
        probability_ppm: 500_000,
        host: "api.example:443".to_owned(),
        sent_model: Some("claude-sonnet".to_owned()),
        upstream_model: Some("claude-sonnet-1".to_owned()),
        status: Some(200),
        class: None,
        error_rule_id: None,
        error: None,
        timings,
        usage: Some(usage),
        usage_source: Some(UsageSource::Reported),
        cost: Some(cost),
        cost_breakdown: Some(CostBreakdown { input: cost, ..CostBreakdown::default() }),
        price_version: Some(1),
        provider_multiplier: Multiplier::ONE,
        is_trial: false,
        group_multiplier: Multiplier::ONE,
    };
    let id = RequestId::fresh();
    RequestRecord {
        user_id: Some(UserId(1)),
        key_id: Some(KeyId(1)),
        session_id: Some("conversation".to_owned()),
        stream: true,
        client: ClientInfo { name: Some("claude-cli".to_owned()), version: Some("2.0".to_owned()) },
        model: Some("sonnet".to_owned()),
        status: 200,
        timings,
        attempts: vec![attempt],
        stages: vec![StageCount { stage: "group".into(), left: 3 }],
        loss: vec!["top_k".to_owned(), "hosted_tool:web_fetch".to_owned()],
        ..RequestRecord::new(id, at, Dialect::Claude, Endpoint::Generate, Outcome::Completed)
    }
}

async fn count(api: &Api, query: &str) -> usize {
    let list = api.get(&format!("/requests{query}")).await.ok();
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_request_has_the_fixed_fields_and_its_detail_the_chain() {
    let api = Api::start().await;
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let kept = record("2026-03-01T12:00:00Z", 1_500_000);
    api.repository.write_records(std::slice::from_ref(&kept)).await.unwrap();

    let list = api.get("/requests").await.ok();
    insta::assert_json_snapshot!("request", list["items"][0], {".id" => "[id]"});
    let detail = api.get(&format!("/requests/{}", kept.id)).await.ok();
    insta::assert_json_snapshot!("request_detail", detail, {".id" => "[id]", ".attempts[].id" => "[id]"});

    let own = api.call(Method::GET, &format!("/requests/{}", kept.id)).bearer(&key).send().await.ok();
    for name in ["\"main\"", "api.example", "\"provider_id\":7", "claude-sonnet"] {
        assert!(!own.to_string().contains(name), "an ordinary user sees {name}: {own}");
    }
    assert_eq!(own["cost_usd"], "0.0015");
    let (_, _, other) = api.user_with_key("bob", json!({"name": "laptop"})).await;
    let theirs = api.call(Method::GET, &format!("/requests/{}", kept.id)).bearer(&other).send().await;
    theirs.problem(404, "not_found");
    let theirs = api.call(Method::GET, "/requests").bearer(&other).send().await.ok();
    assert_eq!(theirs["items"], json!([]));
}

#[tokio::test]
async fn requests_are_found_by_every_filter() {
    let api = Api::start().await;
    api.user_with_key("ada", json!({"name": "laptop"})).await;
    let mut failed = record("2026-03-01T11:00:00Z", 0);
    failed.status = 503;
    failed.attempts.clear();
    failed.dialect = Dialect::OpenAi;
    failed.session_id = None;
    let old = record("2026-02-20T12:00:00Z", 1);
    let records = [record("2026-03-01T12:00:00Z", 1_500_000), failed, old];
    api.repository.write_records(&records).await.unwrap();
    for (query, found) in [
        ("", 2),
        ("?from=2026-02-01T00:00:00Z", 3),
        ("?from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z", 1),
        ("?user_id=1&key_id=1", 2),
        ("?user_id=2", 0),
        ("?provider_id=7", 1),
        ("?model=sonnet", 2),
        ("?model=opus", 0),
        ("?dialect=openai", 1),
        ("?status_class=ok", 1),
        ("?status_class=server_error", 1),
        ("?status_class=client_error", 0),
        ("?session_id=conversation", 1),
        ("?min_cost_usd=0.0015", 1),
        ("?min_cost_usd=0.0016", 0),
    ] {
        assert_eq!(count(&api, query).await, found, "{query}");
    }
    let wrong = api.get("/requests?from=2026-03-02T00:00:00Z").await.problem(422, "invalid");
    assert_eq!(wrong, ["from"]);
    let wrong = api.get("/requests?dialect=latin&from=noon").await.problem(422, "invalid");
    assert_eq!(wrong, ["from", "dialect"]);
}

#[tokio::test]
async fn requests_come_in_pages_newest_first() {
    let api = Api::start().await;
    let records: Vec<_> = (0..5).map(|minute| record(&format!("2026-03-01T12:0{minute}:00Z"), 1)).collect();
    api.repository.write_records(&records).await.unwrap();
    let mut seen = Vec::new();
    let mut path = "/requests?limit=2".to_owned();
    loop {
        let page = api.get(&path).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/requests?limit=2&cursor={cursor}");
    }
    let expected: Vec<_> = records.iter().rev().map(|record| Value::from(record.id.to_string())).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn usage_is_summed_up_by_group() {
    let api = Api::start().await;
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let records = [
        record("2026-03-01T12:00:00Z", 1_000_000),
        record("2026-03-01T11:00:00Z", 500_000),
        record("2026-02-20T12:00:00Z", 1),
    ];
    api.repository.write_records(&records).await.unwrap();
    let report = api.get("/usage/summary?group_by=user").await.ok();
    insta::assert_json_snapshot!("usage", report);
    let own = api.call(Method::GET, "/usage/summary").bearer(&key).send().await.ok();
    assert_eq!((&own["items"][0]["requests"], &own["items"][0]["cost_usd"]), (&json!(2), &json!("0.0015")));
    let long = api.get("/usage/summary?from=2020-01-01T00:00:00Z").await.problem(422, "invalid");
    assert_eq!(long, ["from"]);
    assert_eq!(api.get("/usage/summary?group_by=colour").await.problem(422, "invalid"), ["group_by"]);
}
