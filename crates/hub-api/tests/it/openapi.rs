//! The OpenAPI document says what the routes do.

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Api};

#[test]
fn the_document_is_what_was_reviewed() {
    insta::assert_json_snapshot!("openapi", hub_api::document());
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = serde_json::to_value(hub_api::document()).unwrap();
    let mut references = 0;
    let mut left = vec![&document];
    while let Some(value) = left.pop() {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(target.strip_prefix('#').unwrap()).is_some(), "{target}");
            references += 1;
        }
        match value {
            Value::Object(members) => left.extend(members.values()),
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    assert!(references > 100);
}

#[tokio::test]
async fn the_document_is_served_to_everybody() {
    let api = Api::start().await;
    let document = api.call(Method::GET, "/openapi.json").send().await.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document, serde_json::to_value(hub_api::document()).unwrap());
}

#[tokio::test]
async fn every_described_route_answers_with_a_described_status() {
    let document = serde_json::to_value(hub_api::document()).unwrap();
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let api = Api::start().await;
            let answer = exercise(&api, method, path).await;
            let described = operation["responses"].as_object().unwrap();
            assert!(described.contains_key(&answer.0), "{method} {path} answered {}: {}", answer.0, answer.1);
            assert!(answer.1["code"] != "unknown_route", "{method} {path}");
            routes += 1;
        }
    }
    assert_eq!(routes, 66);
}

async fn exercise(api: &Api, method: &str, path: &str) -> (String, Value) {
    api.user_with_key("ada", json!({"name": "laptop"})).await;
    let path = path
        .strip_prefix("/api/v1")
        .unwrap()
        .replace("{id}", "1")
        .replace("{sid}", "k1.a")
        .replace("{name}", "x");
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let answer = api.call(method, &path).bearer(ADMIN).json(&json!({"name": "new"})).send().await;
    (answer.status.as_u16().to_string(), answer.json)
}
