//! Refusals that have nothing to do with the hub's things.

use axum::body::Body;
use axum::http::Method;
use axum::http::header::{ALLOW, WWW_AUTHENTICATE};
use serde_json::json;

use crate::fixture::{ADMIN, Api};

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let api = Api::start().await;
    api.get("/colours").await.problem(404, "unknown_route");
    api.get("/users/ada").await.problem(404, "not_found");
    let answer = api.call(Method::PUT, "/users").bearer(ADMIN).send().await;
    assert!(answer.headers.contains_key(ALLOW));
    answer.problem(405, "method_not_allowed");
}

#[tokio::test]
async fn bodies_must_be_json_objects_of_bounded_size() {
    let api = Api::start().await;
    let post = || api.call(Method::POST, "/users").bearer(ADMIN);
    post().body("{}").send().await.problem(415, "unsupported_media_type");
    post()
        .header("content-type", "text/plain")
        .body("{}")
        .send()
        .await
        .problem(415, "unsupported_media_type");
    let json = || post().header("content-type", "application/json; charset=utf-8");
    json().body(r#"{"name": "#).send().await.problem(400, "malformed_json");
    json().body("").send().await.problem(400, "malformed_json");
    json().body("[1]").send().await.problem(400, "malformed_json");
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(1 << 20));
    json().body(large).send().await.problem(413, "too_large");
    json().body("[".repeat(100_000)).send().await.problem(400, "malformed_json");
}

#[tokio::test]
async fn nobody_gets_past_the_door() {
    let api = Api::start().await;
    let answer = api.call(Method::GET, "/users").send().await;
    assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer");
    answer.problem(401, "unauthenticated");
    for wrong in ["Basic abc", "Bearer", "Bearer ", "bearer wrong-token", "cch_abc"] {
        let answer = api.call(Method::GET, "/users").header("authorization", wrong).send().await;
        answer.problem(401, "unauthenticated");
    }
    let call = api.call(Method::POST, "/users").header("content-type", "application/json");
    call.body(Body::from("{")).send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn answers_are_sealed() {
    let api = Api::start().await;
    for answer in [api.get("/users").await, api.get("/nowhere").await, api.post("/users", json!({})).await] {
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}
