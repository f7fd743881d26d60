//! Logging in with a cookie, and being kept out.

use axum::http::Method;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Answer, Api};

async fn login(api: &Api, token: &str) -> Answer {
    api.call(Method::POST, "/auth/login").json(&json!({"token": token})).send().await
}

#[tokio::test]
async fn a_login_lasts_until_logout_and_changes_need_its_token() {
    let api = Api::start().await;
    let answer = login(&api, ADMIN).await;
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap().to_owned();
    for part in ["Path=/", "Max-Age=86400", "HttpOnly", "SameSite=Strict", "Secure"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let token = answer.session_token();
    let actor = answer.ok();
    assert_eq!((&actor["actor"], &actor["role"]), (&json!("admin-token"), &json!("admin")));
    let csrf = actor["csrf_token"].as_str().unwrap();

    let me = api.call(Method::GET, "/auth/me").cookie(&token).send().await.ok();
    assert_eq!(me["csrf_token"], csrf);
    let post = || api.call(Method::POST, "/users").cookie(&token).json(&json!({"name": "ada"}));
    post().send().await.problem(403, "csrf");
    post().header("x-csrf-token", "wrong").send().await.problem(403, "csrf");
    post().header("x-csrf-token", csrf).send().await.created();

    let logout = || api.call(Method::POST, "/auth/logout").cookie(&token);
    logout().send().await.problem(403, "csrf");
    let answer = logout().header("x-csrf-token", csrf).send().await;
    assert!(answer.headers[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    answer.with(204);
    api.call(Method::GET, "/auth/me").cookie(&token).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_login_ends_by_itself() {
    let api = Api::start().await;
    let token = login(&api, ADMIN).await.session_token();
    api.clock.advance(24 * 3600 - 1);
    api.call(Method::GET, "/auth/me").cookie(&token).send().await.ok();
    api.clock.advance(1);
    api.call(Method::GET, "/auth/me").cookie(&token).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn keys_log_in_in_their_users_role_if_they_may() {
    let api = Api::start().await;
    let (user, key_id, key) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    login(&api, &key).await.problem(403, "forbidden");
    api.patch(&format!("/keys/{key_id}"), json!({"can_login_web_ui": true})).await.ok();
    let answer = login(&api, &key).await;
    let token = answer.session_token();
    assert_eq!(answer.ok()["role"], "user");
    let users = || api.call(Method::GET, "/providers").cookie(&token);
    users().send().await.problem(403, "forbidden");
    api.patch(&format!("/users/{user}"), json!({"role": "admin"})).await.ok();
    users().send().await.ok();
    // As a bearer the key of an admin still acts for its user's own things only.
    api.call(Method::GET, "/providers").bearer(&key).send().await.problem(403, "forbidden");
    api.patch(&format!("/users/{user}"), json!({"is_enabled": false})).await.ok();
    users().send().await.problem(403, "forbidden");
    login(&api, &key).await.problem(403, "forbidden");
}

#[tokio::test]
async fn ten_wrong_credentials_shut_an_address_out_for_a_while() {
    let api = Api::start().await;
    for _ in 0..5 {
        login(&api, "wrong").await.problem(401, "unauthenticated");
        api.call(Method::GET, "/auth/me").bearer("wrong").send().await.problem(401, "unauthenticated");
    }
    let answer = login(&api, ADMIN).await;
    assert_eq!(answer.headers[RETRY_AFTER], "900");
    answer.problem(429, "throttled");
    api.get("/users").await.problem(429, "throttled");
    let elsewhere = api.call(Method::GET, "/users").addressed_from("192.0.2.2").bearer(ADMIN);
    elsewhere.send().await.ok();
    api.clock.advance(900);
    login(&api, ADMIN).await.ok();
}

#[tokio::test]
async fn a_switched_off_key_does_not_count_as_wrong() {
    let api = Api::start().await;
    let (_, id, key) = api.user_with_key("ada", json!({"name": "old"})).await;
    api.patch(&format!("/keys/{id}"), json!({"is_enabled": false})).await.ok();
    for _ in 0..12 {
        api.call(Method::GET, "/auth/me").bearer(&key).send().await.problem(403, "forbidden");
    }
    api.patch(&format!("/keys/{id}"), json!({"is_enabled": true, "expires_at": "2026-03-01T12:30:00Z"}))
        .await
        .ok();
    api.call(Method::GET, "/auth/me").bearer(&key).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_login_names_its_field() {
    let api = Api::start().await;
    let post = |body: Value| api.call(Method::POST, "/auth/login").json(&body);
    assert_eq!(post(json!({})).send().await.problem(422, "invalid"), ["token"]);
    assert_eq!(post(json!({"token": 1, "x": 2})).send().await.problem(422, "invalid"), ["x", "token"]);
}
