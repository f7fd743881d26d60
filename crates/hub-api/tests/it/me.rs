//! What somebody sees of itself.

use axum::http::Method;
use hub_types::{KeyId, UserId};
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Api};
use crate::limits::{counting, use_up};
use crate::reports::record;

/// Ada and Bob, each with a key and a request. Ada's key and its text.
async fn two_people(api: &Api) -> (i64, String) {
    let (_, key, token) = api.user_with_key("ada", json!({"name": "laptop", "token_limit": 1000})).await;
    let (bob, bobs_key, _) = api.user_with_key("bob", json!({"name": "desktop"})).await;
    let bobs = hub_types::RequestRecord {
        user_id: Some(UserId(bob)),
        key_id: Some(KeyId(bobs_key)),
        ..record("2026-03-01T12:01:00Z", 7_000_000_000)
    };
    api.repository.write_records(&[record("2026-03-01T12:00:00Z", 1_500_000_000), bobs]).await.unwrap();
    (key, token)
}

#[tokio::test]
async fn a_key_sees_its_users_requests_usage_and_keys_and_nobody_elses() {
    let api = Api::start().await;
    let (key, token) = two_people(&api).await;
    let mine = async |path: &str| api.call(Method::GET, path).bearer(&token).send().await;
    let ids = |list: &Value, name: &str| -> Vec<Value> {
        list["items"].as_array().unwrap().iter().map(|row| row[name].clone()).collect()
    };
    let requests = mine("/me/requests").await.ok();
    assert_eq!(ids(&requests, "user_id"), [json!(1)]);
    assert_eq!(requests["items"][0]["provider_name"], Value::Null, "providers are the admins' business");
    let usage = mine("/me/usage").await.ok();
    assert_eq!(ids(&usage, "cost_usd"), [json!("1.5")]);
    let keys = mine("/me/keys").await.ok();
    assert_eq!(ids(&keys, "id"), [json!(key)]);
    assert_eq!(mine("/me/requests?key_id=2").await.ok()["items"], json!([]));
    // Filters by user make no sense here, and those by provider are for admins.
    for path in ["/me/requests?user_id=2", "/me/usage?user_id=1"] {
        assert_eq!(mine(path).await.problem(422, "invalid"), ["user_id"], "{path}");
    }
    mine("/me/usage?group_by=provider").await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_key_sees_the_limits_of_its_user_and_of_each_of_the_users_keys() {
    let (api, limiter) = counting().await;
    let (key, token) = two_people(&api).await;
    let second = api.post("/users/1/keys", json!({"name": "phone"})).await.created();
    api.patch("/users/1", json!({"limit_total_usd": 99.5})).await.ok();
    use_up(&api, &limiter, 1, key).await;
    let shown = api.call(Method::GET, "/me/limits").bearer(&token).send().await.ok();
    let of_user = api.get("/users/1/limits").await.ok();
    let of_key = api.get(&format!("/keys/{key}/limits")).await.ok();
    assert_eq!(of_user["windows"][0]["used"], "0.5");
    assert_eq!(of_key["windows"][0]["used"], 250);
    let nothing = json!({"cost_reset_at": null, "windows": []});
    let keys = json!([
        {"id": key, "name": "laptop", "limits": of_key},
        {"id": second["id"], "name": "phone", "limits": nothing},
    ]);
    assert_eq!(shown, json!({"user": of_user, "keys": keys}));
}

#[tokio::test]
async fn somebody_logged_in_sees_their_own_whatever_their_role() {
    let api = Api::start().await;
    two_people(&api).await;
    let login = json!({"name": "web", "can_login_web_ui": true});
    let (eve, key, token) = api.user_with_key("eve", login).await;
    api.patch(&format!("/users/{eve}"), json!({"role": "admin"})).await.ok();
    let login = api.call(Method::POST, "/auth/login").json(&json!({"token": token})).send().await;
    let cookie = login.session_token();
    login.ok();
    let mine = async |path: &str| api.call(Method::GET, path).cookie(&cookie).send().await.ok();
    assert_eq!(mine("/requests").await["items"].as_array().unwrap().len(), 2);
    assert_eq!(mine("/me/requests").await["items"], json!([]));
    assert_eq!(mine("/me/keys").await["items"][0]["id"], key);
}

#[tokio::test]
async fn the_admin_token_is_nobody_and_has_nothing_of_its_own() {
    let api = Api::start().await;
    for path in ["/me/limits", "/me/usage", "/me/requests", "/me/keys"] {
        api.call(Method::GET, path).bearer(ADMIN).send().await.problem(403, "forbidden");
        api.call(Method::GET, path).send().await.problem(401, "unauthenticated");
    }
}
