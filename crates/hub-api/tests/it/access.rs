//! What an ordinary user sees: its own things and nothing else.

use axum::http::Method;
use serde_json::json;

use crate::fixture::Api;

#[tokio::test]
async fn a_user_sees_only_its_own_things() {
    let api = Api::start().await;
    let (ada, ada_key, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let (bob, bob_key, _) = api.user_with_key("bob", json!({"name": "laptop"})).await;
    let get = async |path: &str| api.call(Method::GET, path).bearer(&key).send().await;

    assert_eq!(get("/users").await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(get(&format!("/users/{ada}")).await.ok()["name"], "ada");
    get(&format!("/users/{bob}")).await.problem(404, "not_found");
    let keys = get("/keys").await.ok();
    assert_eq!((keys["items"].as_array().unwrap().len(), &keys["items"][0]["id"]), (1, &json!(ada_key)));
    get(&format!("/users/{ada}/keys")).await.ok();
    get(&format!("/users/{bob}/keys")).await.problem(404, "not_found");
    get(&format!("/keys/{bob_key}")).await.problem(404, "not_found");
    get(&format!("/requests?user_id={bob}")).await.problem(404, "not_found");
    get("/requests?provider_id=1").await.problem(403, "forbidden");
    get("/usage/summary?group_by=provider").await.problem(403, "forbidden");
    for path in ["/providers", "/providers/1", "/provider-groups", "/audit", "/system/status"] {
        get(path).await.problem(403, "forbidden");
    }
}

#[tokio::test]
async fn a_user_changes_nothing() {
    let api = Api::start().await;
    let (ada, key_id, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    for (method, path) in [
        (Method::POST, "/users".to_owned()),
        (Method::PATCH, format!("/users/{ada}")),
        (Method::DELETE, format!("/users/{ada}")),
        (Method::POST, format!("/users/{ada}/keys")),
        (Method::PATCH, format!("/keys/{key_id}")),
        (Method::POST, format!("/keys/{key_id}/rotate")),
        (Method::DELETE, format!("/keys/{key_id}")),
        (Method::POST, "/providers".to_owned()),
        (Method::PATCH, "/providers/1".to_owned()),
        (Method::DELETE, "/providers/1".to_owned()),
        (Method::POST, "/provider-groups".to_owned()),
        (Method::PATCH, "/provider-groups/x".to_owned()),
        (Method::DELETE, "/provider-groups/x".to_owned()),
    ] {
        let answer = api.call(method, &path).bearer(&key).json(&json!({"name": "x"})).send().await;
        answer.problem(403, "forbidden");
    }
}
