//! Error rules.

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixture::Api;

fn rule(name: &str) -> Value {
    json!({"name": name, "class": "throttled", "status": "4xx", "pattern": "come back"})
}

#[tokio::test]
async fn rules_are_made_edited_and_deleted_and_all_of_it_is_audited() {
    let api = Api::start().await;
    let provider =
        json!({"name": "main", "url": "https://api.example", "provider_type": "claude", "credential": "sk"});
    let provider = api.post("/providers", provider).await.created()["id"].clone();
    let made = json!({
        "name": "relay", "description": "odd wording", "priority": -2, "provider_types": ["claude"],
        "provider_id": provider, "status": 400, "error_type": "odd_error", "pattern": "^额度.*$",
        "pattern_match": "regex", "class": "overloaded", "replacement_status": 503,
        "replacement_message": "Busy: try again later",
    });
    let created = api.post("/error-rules", made.clone()).await.created();
    for (field, value) in made.as_object().unwrap() {
        let value = if field == "status" { &json!("400") } else { value };
        assert_eq!(&created[field], value, "{field}");
    }
    assert_eq!((&created["is_enabled"], &created["id"]), (&json!(true), &json!(1)));
    assert_eq!(api.get("/error-rules/1").await.ok(), created);
    api.clock.advance(1);
    let change =
        json!({"is_enabled": false, "provider_types": null, "replacement_message": null, "status": "5xx"});
    let changed = api.patch("/error-rules/1", change).await.ok();
    assert_eq!(changed["is_enabled"], false);
    assert_eq!(changed["provider_types"], json!([]));
    assert_eq!((&changed["replacement_message"], &changed["status"]), (&Value::Null, &json!("5xx")));
    assert_eq!(changed["pattern"], made["pattern"], "what is not named stays");
    let entry = api.get("/audit?limit=1").await.ok()["items"][0].clone();
    assert_eq!((&entry["action"], &entry["target"]), (&json!("error_rule.update"), &json!("error_rule:1")));
    assert_eq!((&entry["before"]["status"], &entry["after"]["status"]), (&json!("400"), &json!("5xx")));
    api.delete("/error-rules/1").await.with(204);
    api.get("/error-rules/1").await.problem(404, "not_found");
    api.delete("/error-rules/1").await.problem(404, "not_found");
    assert_eq!(api.get("/audit?limit=1").await.ok()["items"][0]["action"], "error_rule.delete");
}

#[tokio::test]
async fn rules_are_listed_page_by_page() {
    let api = Api::start().await;
    for name in ["a", "b", "c"] {
        api.post("/error-rules", rule(name)).await.created();
    }
    let first = api.get("/error-rules?limit=2").await.ok();
    let names = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["a", "b"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("/error-rules?limit=2&cursor={cursor}")).await.ok();
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["c".to_owned()], &Value::Null));
}

#[tokio::test]
async fn mistakes_are_told_by_field_and_others_are_kept_out() {
    let api = Api::start().await;
    for (change, wrong) in [
        (json!({"name": ""}), "name"),
        (json!({"name": null}), "name"),
        (json!({"class": null}), "class"),
        (json!({"class": "client_abort"}), "class"),
        (json!({"class": "nonsense"}), "class"),
        (json!({"patern": "x"}), "patern"),
        (json!({"id": 7}), "id"),
        (json!({"status": null, "pattern": null}), "status"),
        (json!({"status": "6xx"}), "status"),
        (json!({"status": 99}), "status"),
        (json!({"error_type": ""}), "error_type"),
        (json!({"pattern": " "}), "pattern"),
        (json!({"pattern": "x".repeat(1001)}), "pattern"),
        (json!({"pattern": "(", "pattern_match": "regex"}), "pattern"),
        (json!({"pattern": r"\w{9000}", "pattern_match": "regex"}), "pattern"),
        (json!({"pattern_match": "prefix"}), "pattern_match"),
        (json!({"provider_types": ["claude", "codex", "claude"]}), "provider_types"),
        (json!({"provider_types": ["clod"]}), "provider_types"),
        (json!({"provider_id": 9}), "provider_id"),
        (json!({"replacement_status": 200}), "replacement_status"),
        (json!({"replacement_message": " "}), "replacement_message"),
        (json!({"replacement_message": "x".repeat(2001)}), "replacement_message"),
        // Every bad request of a client would count against the provider.
        (json!({"class": "provider_error", "pattern": null}), "class"),
    ] {
        let mut fields = rule("x");
        let members = fields.as_object_mut().unwrap();
        for (name, value) in change.as_object().unwrap() {
            members.insert(name.clone(), value.clone());
        }
        assert_eq!(
            api.post("/error-rules", fields.clone()).await.problem(422, "invalid"),
            [wrong],
            "{fields}"
        );
    }
    api.post("/error-rules", rule("x")).await.created();
    api.post("/error-rules", rule("x")).await.problem(409, "duplicate");
    let patched = api.patch("/error-rules/1", json!({"status": null, "pattern": null})).await;
    assert_eq!(patched.problem(422, "invalid"), ["status"]);
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    for (method, path) in
        [(Method::GET, "/error-rules"), (Method::GET, "/error-rules/1"), (Method::DELETE, "/error-rules/1")]
    {
        api.call(method, path).bearer(&key).send().await.problem(403, "forbidden");
    }
    for path in ["/error-rules", "/error-rules/test"] {
        let call = api.call(Method::POST, path).bearer(&key).json(&rule("y"));
        call.send().await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn a_try_says_what_it_can_not_use_and_needs_a_running_hub() {
    let api = Api::start().await;
    let sample = json!({"status": 400, "body": {"error": {"message": "m"}}, "dialect": "openai"});
    for (change, wrong) in [
        (json!({"status": null}), "status"),
        (json!({"status": 100}), "status"),
        (json!({"dialect": null}), "dialect"),
        (json!({"dialect": "french"}), "dialect"),
        (json!({"provider_type": "claude"}), "dialect"),
        (json!({"provider_id": 9}), "provider_id"),
        (json!({"body": "x".repeat(300_000)}), "body"),
        (json!({"rule": "x"}), "rule"),
        (json!({"rule": {"class": "throttled"}}), "rule.status"),
        (json!({"rule": {"status": "4xx"}}), "rule.class"),
        (json!({"rule": {"class": "throttled", "status": "4xx", "what": 1}}), "rule.what"),
        (json!({"what": 1}), "what"),
    ] {
        let mut fields = sample.clone();
        let members = fields.as_object_mut().unwrap();
        for (name, value) in change.as_object().unwrap() {
            members.insert(name.clone(), value.clone());
        }
        let answer = api.post("/error-rules/test", fields).await;
        assert_eq!(answer.problem(422, "invalid"), [wrong], "{change:.60}");
    }
    api.post("/error-rules/test", sample).await.problem(503, "no_error_rule_tests");
}
