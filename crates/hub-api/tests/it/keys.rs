//! Keys over REST.

use axum::http::Method;
use hub_types::HubKey;
use serde_json::json;

use crate::fixture::Api;

#[tokio::test]
async fn a_key_is_shown_once_and_works() {
    let api = Api::start().await;
    let user = api.post("/users", json!({"name": "ada"})).await.created();
    let path = format!("/users/{}/keys", user["id"]);
    let made = api.post(&path, json!({"name": "laptop", "provider_group": "team-a"})).await.created();
    let key = HubKey::parse(made["key"].as_str().unwrap()).unwrap();
    assert_eq!(made["key_last4"], key.last4());
    insta::assert_json_snapshot!("new_key", made, {".key" => "[key]", ".key_last4" => "[last4]"});
    for path in ["/keys/1", "/keys", &path] {
        let shown = api.get(path).await.ok();
        assert!(!shown.to_string().contains(key.expose()), "{path}");
        assert!(!shown.to_string().contains("key_hash"), "{path}");
    }
    let me = api.call(Method::GET, "/auth/me").bearer(key.expose()).send().await.ok();
    assert_eq!((&me["actor"], &me["role"]), (&json!("user:1"), &json!("user")));
}

#[tokio::test]
async fn a_key_without_groups_inherits_its_users() {
    let api = Api::start().await;
    api.post("/users", json!({"name": "ada", "provider_group": "team-a"})).await.created();
    let key = api.post("/users/1/keys", json!({"name": "laptop"})).await.created();
    assert_eq!(key["provider_group"], "");
}

#[tokio::test]
async fn rotation_voids_the_old_key() {
    let api = Api::start().await;
    let (_, id, old) = api.user_with_key("ada", json!({"name": "laptop", "limit_total_usd": "3"})).await;
    let rotated =
        api.call(Method::POST, &format!("/keys/{id}/rotate")).bearer(crate::fixture::ADMIN).send().await.ok();
    let new = rotated["key"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!((&rotated["limit_total_usd"], &rotated["id"]), (&json!("3"), &json!(id)));
    api.call(Method::GET, "/auth/me").bearer(&old).send().await.problem(401, "unauthenticated");
    api.call(Method::GET, "/auth/me").bearer(new).send().await.ok();
}

#[tokio::test]
async fn keys_are_edited_and_deleted() {
    let api = Api::start().await;
    let (_, id, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let path = format!("/keys/{id}");
    let edited = api.patch(&path, json!({"permissions": "openai", "token_limit": 1000})).await.ok();
    assert_eq!((&edited["permissions"], &edited["token_limit"]), (&json!("openai"), &json!(1000)));
    assert_eq!(
        api.patch(&path, json!({"key": "x", "user_id": 2})).await.problem(422, "invalid"),
        ["key", "user_id"]
    );
    assert_eq!(
        api.patch(&path, json!({"permissions": "latin"})).await.problem(422, "invalid"),
        ["permissions"]
    );
    api.delete(&path).await.with(204);
    api.get(&path).await.problem(404, "not_found");
    api.call(Method::GET, "/auth/me").bearer(&key).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn keys_need_a_living_user_and_a_name_of_their_own() {
    let api = Api::start().await;
    api.post("/users/9/keys", json!({"name": "x"})).await.problem(404, "not_found");
    api.user_with_key("ada", json!({"name": "laptop"})).await;
    assert_eq!(
        api.post("/users/1/keys", json!({"name": "laptop"})).await.problem(409, "duplicate"),
        ["name"]
    );
}
