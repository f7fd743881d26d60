//! Providers and their groups over REST.

use hub_types::ProviderId;
use serde_json::{Value, json};

use crate::fixture::Api;

const CREDENTIAL: &str = "sk-very-secret-4711";

fn main_provider() -> Value {
    json!({
        "name": "main", "url": "https://api.anthropic.com", "provider_type": "claude", "credential": CREDENTIAL,
        "group_tag": "team-a", "priority": 0, "weight": 1, "custom_headers": {"x-extra": "sesame"},
        "proxy_url": "socks5://u:pass-word@127.0.0.1:1080",
    })
}

#[tokio::test]
async fn a_providers_secrets_are_written_but_not_read() {
    let api = Api::start().await;
    let made = api.post("/providers", main_provider()).await.created();
    assert_eq!(made["credential"], "…4711");
    assert_eq!(made["proxy_url"], "socks5://u:***@127.0.0.1:1080");
    insta::assert_json_snapshot!("provider", made);
    assert_eq!(api.get("/providers/1").await.ok(), made);
    assert_eq!(api.get("/providers").await.ok()["items"], json!([made]));
    let audit = api.get("/audit").await.ok().to_string();
    for secret in [CREDENTIAL, "sesame", "pass-word"] {
        assert!(!audit.contains(secret), "{secret} in {audit}");
    }
}

#[tokio::test]
async fn what_was_read_may_be_written_back_without_losing_secrets() {
    let api = Api::start().await;
    let made = api.post("/providers", main_provider()).await.created();
    let back = json!({"credential": made["credential"], "proxy_url": made["proxy_url"], "weight": 2});
    assert_eq!(api.patch("/providers/1", back).await.ok()["weight"], 2);
    let kept = api.repository.find_provider(ProviderId(1)).await.unwrap().unwrap();
    assert_eq!(kept.credential.expose(), CREDENTIAL);
    assert_eq!(kept.proxy_url.unwrap().expose(), "socks5://u:pass-word@127.0.0.1:1080");
    let other = json!({"credential": "…0000", "proxy_url": "http://u:***@other:1"});
    assert_eq!(api.patch("/providers/1", other).await.problem(422, "invalid"), ["credential"]);
    let cleared = api.patch("/providers/1", json!({"credential": null, "proxy_url": null})).await.ok();
    assert_eq!((&cleared["credential"], &cleared["proxy_url"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn edits_that_make_it_another_provider_raise_the_generation() {
    let api = Api::start().await;
    api.post("/providers", main_provider()).await.created();
    for (edit, generation) in [
        (json!({"weight": 5, "description": "x"}), 0),
        (json!({"url": "https://relay.example"}), 1),
        (json!({"credential": "sk-another-secret-1"}), 2),
        (json!({"credential": "sk-another-secret-1"}), 2),
        (json!({"provider_type": "claude-auth"}), 3),
        (json!({"is_enabled": false}), 4),
    ] {
        assert_eq!(api.patch("/providers/1", edit.clone()).await.ok()["generation"], generation, "{edit}");
    }
}

#[tokio::test]
async fn wrong_columns_are_named() {
    let api = Api::start().await;
    for (field, wrong) in [
        ("url", json!("ftp://x")),
        ("url", json!("https://user:pw@host")),
        ("provider_type", json!("latin")),
        ("weight", json!(1001)),
        ("proxy_url", json!("127.0.0.1:1080")),
        ("proxy_url", json!("http://proxy/path")),
        ("proxy_url", json!("http://:pw@proxy")),
        ("proxy_url", json!("socks4://proxy")),
        ("allowed_models", json!([{"match": "regex", "pattern": "("}])),
        ("model_redirects", json!([{"match": "exact", "source": "a", "target": ""}])),
        ("custom_headers", json!({"host": "x"})),
        ("custom_headers", json!({"x": "a\r\nb: c"})),
        // Compiles, and would take more memory than routing gives a pattern.
        ("allowed_models", json!([{"match": "regex", "pattern": "\\w{15}"}])),
        ("timeout_first_byte", json!(10)),
        ("timeout_first_byte", json!(180_001)),
        ("timeout_idle", json!(600_001)),
        ("timeout_request", json!(1_800_001)),
        ("hedge_after_ms", json!(99)),
        ("hedge_after_ms", json!(180_001)),
        ("failure_threshold", json!(-1)),
        ("open_duration_ms", json!(999)),
        ("half_open_success_threshold", json!(0)),
        ("max_retry_attempts", json!(11)),
        ("session_ttl", json!(0)),
        ("codex_instructions", json!("maybe")),
        ("cost_multiplier", json!("-1")),
        ("active_time_end", json!("12:00")),
        ("generation", json!(4)),
        ("credential", json!("two words")),
        ("wieght", json!(1)),
    ] {
        let mut input = main_provider();
        input[field] = wrong.clone();
        assert_eq!(api.post("/providers", input).await.problem(422, "invalid"), [field], "{wrong}");
    }
    let missing = api.post("/providers", json!({})).await.problem(422, "invalid");
    assert_eq!(missing, ["name", "url", "provider_type"]);
}

#[tokio::test]
async fn a_deleted_provider_is_gone() {
    let api = Api::start().await;
    api.post("/providers", main_provider()).await.created();
    assert_eq!(api.post("/providers", main_provider()).await.problem(409, "duplicate"), ["name"]);
    api.delete("/providers/1").await.with(204);
    api.get("/providers/1").await.problem(404, "not_found");
    assert_eq!(api.get("/providers").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn groups_have_a_factor() {
    let api = Api::start().await;
    let group =
        api.post("/provider-groups", json!({"name": "team a", "cost_multiplier": 0.85})).await.created();
    assert_eq!(group, json!({"name": "team a", "cost_multiplier": "0.85", "description": ""}));
    assert_eq!(
        api.post("/provider-groups", json!({"name": "team a"})).await.problem(409, "duplicate"),
        ["name"]
    );
    assert_eq!(api.post("/provider-groups", json!({"name": "a,b"})).await.problem(422, "invalid"), ["name"]);
    let edited = api.patch("/provider-groups/team%20a", json!({"cost_multiplier": null})).await.ok();
    assert_eq!(edited["cost_multiplier"], "1");
    assert_eq!(api.get("/provider-groups").await.ok(), json!({"items": [edited], "next_cursor": null}));
    let renamed = api.patch("/provider-groups/team%20a", json!({"name": "b"})).await;
    assert_eq!(renamed.problem(422, "invalid"), ["name"]);
    api.delete("/provider-groups/team%20a").await.with(204);
    api.delete("/provider-groups/team%20a").await.problem(404, "not_found");
}
