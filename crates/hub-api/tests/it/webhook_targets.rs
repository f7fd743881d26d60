//! Webhook targets over REST.

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixture::Api;

const URL: &str = "https://hooks.example/services/very-secret-part";

#[tokio::test]
async fn targets_are_made_read_edited_and_deleted_without_showing_their_urls() {
    let api = Api::start().await;
    let fields = json!({"name": "ops", "kind": "slack", "url": URL, "events": ["breaker_opened"]});
    let made = api.post("/webhook-targets", fields).await.created();
    assert_eq!((&made["id"], &made["url"], &made["is_enabled"]), (&json!(1), &json!("…part"), &json!(true)));
    // What was read can be written back: a mask stands for no change.
    let edited = api.patch("/webhook-targets/1", json!({"url": made["url"], "events": null})).await.ok();
    assert_eq!((&edited["url"], &edited["events"]), (&json!("…part"), &json!([])));
    assert_eq!(api.get("/webhook-targets/1").await.ok(), edited);
    assert_eq!(api.get("/webhook-targets").await.ok()["items"], json!([edited]));
    let log = api.get("/audit").await.ok();
    assert_eq!(log["items"][0]["action"], "webhook_target.update");
    assert!(!log.to_string().contains("very-secret"), "{log}");
    api.delete("/webhook-targets/1").await.with(204);
    api.get("/webhook-targets/1").await.problem(404, "not_found");
}

#[tokio::test]
async fn mistakes_are_told_by_field_and_others_are_kept_out() {
    let api = Api::start().await;
    for (fields, wrong) in [
        (json!({"name": "x"}), "url"),
        (json!({"name": "x", "url": "ftp://hooks.example"}), "url"),
        (json!({"name": "x", "url": "http://169.254.169.254/latest"}), "url"),
        (json!({"name": "x", "url": "…part"}), "url"),
        (json!({"name": "", "url": URL}), "name"),
        (json!({"name": "x", "url": URL, "kind": "pigeon"}), "kind"),
        (json!({"name": "x", "url": URL, "events": ["sunrise"]}), "events"),
    ] {
        assert_eq!(
            api.post("/webhook-targets", fields.clone()).await.problem(422, "invalid"),
            [wrong],
            "{fields}"
        );
    }
    api.post("/webhook-targets", json!({"name": "x", "url": URL})).await.created();
    api.post("/webhook-targets", json!({"name": "x", "url": URL})).await.problem(409, "duplicate");
    api.post("/webhook-targets/1/test", Value::Null).await.problem(503, "no_webhooks");
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    for path in ["/webhook-targets", "/webhook-targets/1"] {
        api.call(Method::GET, path).bearer(&key).send().await.problem(403, "forbidden");
    }
}
