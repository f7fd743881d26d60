//! The state of the hub and the audit log.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::Method;
use hub_management::view::{HubReport, JournalView, StoreView};
use hub_management::{Management, Principal, Settings, StatusSource};
use jiff::SignedDuration;
use serde_json::json;

use crate::fixture::Api;

#[tokio::test]
async fn the_status_tells_about_the_database() {
    let api = Api::start().await;
    let status = api.get("/system/status").await.ok();
    assert_eq!((&status["state"], &status["database"]["state"]), (&json!("up"), &json!("up")));
    assert!(status["database"]["version"].as_str().unwrap().starts_with("SQLite"), "{status}");
    assert!(status["database"]["schema_version"].as_i64().unwrap() >= 1);
    assert_eq!(status["hub"], json!(null));
}

/// A hub whose Redis is away.
struct Limping;

#[async_trait]
impl StatusSource for Limping {
    async fn report(&self) -> HubReport {
        let redis = StoreView { name: "redis".to_owned(), state: "degraded".to_owned(), detail: None };
        let journal = JournalView { entries: 3, bytes: 900, oldest_age_ms: Some(40) };
        HubReport {
            version: "1.2.3".to_owned(),
            uptime_seconds: 60,
            stores: vec![redis],
            journal: Some(journal),
        }
    }
}

#[tokio::test]
async fn the_status_takes_in_what_the_running_hub_says() {
    let api = Api::start().await;
    let settings = Settings {
        admin_token: None,
        auth_session_ttl: SignedDuration::from_hours(1),
        allow_private_upstreams: true,
    };
    let management = Management::new(api.repository.clone(), api.clock.clone(), settings);
    let management = management.with_status_source(Arc::new(Limping));
    let status = management.status(&Principal::cli()).await.unwrap();
    assert_eq!((status.state.as_str(), status.database.state.as_str()), ("degraded", "up"));
    assert_eq!(status.hub.unwrap().journal.unwrap().entries, 3);
}

#[tokio::test]
async fn an_unset_admin_token_lets_nobody_in() {
    let api = Api::start().await;
    let settings = Settings {
        admin_token: None,
        auth_session_ttl: SignedDuration::from_hours(1),
        allow_private_upstreams: true,
    };
    let management = Management::new(api.repository.clone(), api.clock.clone(), settings);
    for token in ["", "x"] {
        assert_eq!(management.authenticate(token, None).await.unwrap_err().code(), "unauthenticated");
        assert_eq!(management.login(token, None).await.unwrap_err().code(), "unauthenticated");
    }
}

#[tokio::test]
async fn whatever_an_admin_does_is_audited() {
    let api = Api::start().await;
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    api.patch("/users/1", json!({"rpm_limit": 5})).await.ok();
    api.call(Method::POST, "/auth/login").json(&json!({"token": "wrong"})).send().await;
    api.delete("/keys/1").await.with(204);
    let audit = api.get("/audit").await.ok();
    let items = audit["items"].as_array().unwrap();
    let told: Vec<_> = items
        .iter()
        .map(|entry| {
            format!("{} {} {} {}", entry["actor"], entry["action"], entry["target"], entry["success"])
        })
        .collect();
    assert_eq!(
        told,
        [
            r#""admin-token" "key.delete" "key:1" true"#,
            r#""unknown" "login" "" false"#,
            r#""admin-token" "user.update" "user:1" true"#,
            r#""admin-token" "key.create" "key:1" true"#,
            r#""admin-token" "user.create" "user:1" true"#,
        ]
    );
    assert_eq!(
        (&items[2]["before"]["rpm_limit"], &items[2]["after"]["rpm_limit"]),
        (&json!(null), &json!(5))
    );
    assert_eq!(items[2]["address"], "192.0.2.1");
    assert!(!audit.to_string().contains(&key));
    let page = api.get("/audit?limit=2").await.ok();
    let next =
        api.get(&format!("/audit?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await.ok();
    assert_eq!(next["items"][0], items[2]);
}
