//! The session pool's interface under `/admin`: its routes, its envelope, its errors.

use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, StatusCode};
use hub_types::{KeyId, SessionId};
use serde_json::{Value, json};

use crate::fixture::{ADMIN, Answer, Api};

async fn get(api: &Api, path: &str) -> Answer {
    api.admin_call(Method::GET, path).bearer(ADMIN).send().await
}

async fn send(api: &Api, method: Method, path: &str, body: Value) -> Answer {
    api.admin_call(method, path).bearer(ADMIN).json(&body).send().await
}

async fn bare(api: &Api, method: Method, path: &str) -> Answer {
    api.admin_call(method, path).bearer(ADMIN).send().await
}

/// The data of a success.
#[track_caller]
fn data(answer: Answer, status: u16) -> Value {
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    let mut json = answer.with(status);
    assert_eq!(json["success"], true);
    assert!(json.as_object().unwrap().keys().all(|name| ["success", "message", "data"].contains(&&**name)));
    json["data"].take()
}

/// Checks the envelope of an error and gives its message.
#[track_caller]
fn refused(answer: Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.headers["content-type"], "application/json");
    let json = answer.with(status);
    let message = json["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!(json, json!({"success": false, "error": {"code": code, "message": message}}));
    message
}

fn collect(api: &Api, names: &[&str]) {
    for name in names {
        api.pool.collect("trusted", &SessionId::new(KeyId(1), name));
    }
}

fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

const KEY_FIELDS: [&str; 12] = [
    "id",
    "name",
    "description",
    "userId",
    "isEnabled",
    "collectSession",
    "tokenLimit",
    "concurrencyLimit",
    "permissions",
    "keyLast4",
    "createdAt",
    "lastUsedAt",
];

#[tokio::test]
async fn a_key_is_made_shown_marked_and_listed_and_its_credential_told_once() {
    let api = Api::start().await;
    let body = json!({
        "name": "ci", "description": "the build", "collectSession": true, "tokenLimit": 1000,
        "concurrencyLimit": 2, "permissions": "claude",
    });
    let made = data(send(&api, Method::POST, "/api-keys", body.clone()).await, 201);
    let credential = made["apiKey"].as_str().unwrap();
    assert!(credential.starts_with("cch_") && credential.len() == 44, "{credential}");
    assert!(names(&made).iter().all(|name| KEY_FIELDS.contains(name) || *name == "apiKey"), "{made}");
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&made[field], value, "{field}");
    }
    assert_eq!((&made["isEnabled"], &made["lastUsedAt"]), (&json!(true), &Value::Null));
    assert_eq!(
        (&made["createdAt"], &made["keyLast4"]),
        (&json!("2026-03-01T12:30:00Z"), &json!(credential[40..]))
    );

    let path = format!("/api-keys/{}", made["id"]);
    let shown = get(&api, &path).await;
    let text = shown.json.to_string();
    assert!(!text.contains(credential) && !text.contains("apiKey"), "{text}");
    let shown = data(shown, 200);
    let mut fields = names(&shown);
    fields.sort_unstable();
    let mut expected = KEY_FIELDS.to_vec();
    expected.sort_unstable();
    assert_eq!(fields, expected);

    let mark = async |collects| {
        let body = json!({"collectSession": collects});
        data(send(&api, Method::PATCH, &format!("{path}/collect-session"), body).await, 200)
    };
    assert_eq!(mark(false).await["collectSession"], false);
    assert_eq!(get(&api, &path).await.json["data"]["collectSession"], false);
    assert_eq!(mark(true).await["collectSession"], true);

    let list = get(&api, "/api-keys").await.ok();
    assert_eq!(list, json!([shown]));
    // The key is one like all others.
    let same = api.get(&format!("/keys/{}", made["id"])).await.ok();
    assert_eq!((&same["collect_session"], &same["limit_concurrent_sessions"]), (&json!(true), &json!(2)));
    api.call(Method::GET, "/auth/me").bearer(credential).send().await.ok();
    let audit = api.get("/audit").await.ok().to_string();
    assert!(audit.contains("key.create") && !audit.contains(credential));
}

#[tokio::test]
async fn keys_made_here_belong_to_one_user_that_comes_with_the_first() {
    let api = Api::start().await;
    let (_, other, _) = api.user_with_key("ada", json!({"name": "laptop"})).await;
    let first = data(send(&api, Method::POST, "/api-keys", json!({"name": "one"})).await, 201);
    let second = data(send(&api, Method::POST, "/api-keys", json!({"name": "two"})).await, 201);
    assert_eq!((&first["userId"], &first["collectSession"]), (&second["userId"], &json!(false)));
    let user = api.get(&format!("/users/{}", first["userId"])).await.ok();
    assert_eq!((&user["name"], &user["role"]), (&json!("session-pool"), &json!("user")));
    let ids: Vec<_> =
        get(&api, "/api-keys").await.ok().as_array().unwrap().iter().map(|key| key["id"].clone()).collect();
    assert_eq!(ids, [json!(other), first["id"].clone(), second["id"].clone()]);
    refused(send(&api, Method::POST, "/api-keys", json!({"name": "two"})).await, 409, "duplicate");
}

#[tokio::test]
async fn wrong_input_is_a_bad_request_that_names_the_fields_as_they_were_sent() {
    let api = Api::start().await;
    for (body, fields) in [
        (json!({}), vec!["name"]),
        (json!({"name": "x", "collect_session": true}), vec!["collect_session"]),
        (json!({"rpm_limit": 3, "colour": 1}), vec!["name", "rpm_limit", "colour"]),
        (json!({"name": "x", "collectSession": "yes"}), vec!["collectSession"]),
        (json!({"name": "x", "tokenLimit": -1}), vec!["tokenLimit"]),
        (json!({"name": "x", "concurrencyLimit": 1.5}), vec!["concurrencyLimit"]),
        (json!({"name": "x", "permissions": "everything"}), vec!["permissions"]),
        (json!({"name": "", "description": 4}), vec!["description"]),
    ] {
        let message = refused(send(&api, Method::POST, "/api-keys", body.clone()).await, 400, "invalid");
        for field in fields {
            assert!(message.contains(&format!("{field}: ")), "{body}: {message}");
        }
    }
    assert_eq!(api.get("/users").await.ok()["items"], json!([]), "a refused creation makes no owner");

    let key = data(send(&api, Method::POST, "/api-keys", json!({"name": "x"})).await, 201);
    let mark = format!("/api-keys/{}/collect-session", key["id"]);
    for body in [json!({}), json!({"collectSession": 1}), json!({"collectSession": true, "name": "y"})] {
        refused(send(&api, Method::PATCH, &mark, body).await, 400, "invalid");
    }
    for body in [json!({}), json!({"sessionId": 3}), json!({"sessionId": "k1.a", "force": true})] {
        refused(send(&api, Method::POST, "/session-pool/set-current", body).await, 400, "invalid");
    }
    let broken =
        api.admin_call(Method::POST, "/api-keys").bearer(ADMIN).header("content-type", "application/json");
    refused(broken.body("{").send().await, 400, "malformed_json");
    let untyped = api.admin_call(Method::POST, "/api-keys").bearer(ADMIN).body("{}").send().await;
    refused(untyped, 415, "unsupported_media_type");
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_envelope() {
    let api = Api::start().await;
    for path in ["/api-keys/99", "/api-keys/x"] {
        refused(get(&api, path).await, 404, "not_found");
    }
    let body = json!({"collectSession": true});
    refused(send(&api, Method::PATCH, "/api-keys/99/collect-session", body).await, 404, "not_found");
    refused(get(&api, "/nothing").await, 404, "unknown_route");
    refused(get(&api, "/session-pool/switch").await, 405, "method_not_allowed");
}

#[tokio::test]
async fn statistics_name_the_pool_and_its_settings() {
    let api = Api::start().await;
    let config = json!({
        "enabled": true, "minSize": 3, "maxSize": 20, "switchProbability": 0.1, "minSwitchIntervalMs": 300_000,
    });
    let empty = json!({
        "currentSession": null, "poolSize": 0, "sessions": [], "lastSwitchTime": null, "config": config,
    });
    assert_eq!(data(get(&api, "/session-pool/stats").await, 200), empty);
    collect(&api, &["b", "a"]);
    let stats = data(get(&api, "/session-pool/stats").await, 200);
    assert_eq!((&stats["currentSession"], &stats["poolSize"]), (&json!("k1.b"), &json!(2)));
    assert_eq!((&stats["sessions"], &stats["lastSwitchTime"]), (&json!(["k1.a", "k1.b"]), &Value::Null));
}

#[tokio::test]
async fn the_pool_is_moved_on_set_and_emptied_and_that_is_audited() {
    let api = Api::start().await;
    collect(&api, &["a"]);
    let message = refused(bare(&api, Method::POST, "/session-pool/switch").await, 409, "pool_too_small");
    assert!(message.contains("1 of the 2"), "{message}");
    collect(&api, &["b", "c"]);
    let switched = data(bare(&api, Method::POST, "/session-pool/switch").await, 200);
    let current = switched["currentSession"].as_str().unwrap();
    assert_eq!(
        (names(&switched), &switched["previousSession"]),
        (vec!["previousSession", "currentSession"], &json!("k1.a"))
    );
    assert!(["k1.b", "k1.c"].contains(&current));
    let stats = data(get(&api, "/session-pool/stats").await, 200);
    assert_eq!(
        (&stats["currentSession"], &stats["lastSwitchTime"]),
        (&json!(current), &json!("2026-03-01T12:30:00Z"))
    );

    let set = async |session: &str| {
        send(&api, Method::POST, "/session-pool/set-current", json!({"sessionId": session})).await
    };
    for session in ["k1.nobody", "no session", ""] {
        refused(set(session).await, 404, "not_in_pool");
    }
    let answer = data(set("k1.a").await, 200);
    assert_eq!(answer, json!({"previousSession": current, "currentSession": "k1.a"}));

    let cleared = data(bare(&api, Method::DELETE, "/session-pool").await, 200);
    assert_eq!(cleared, json!({"removed": 2, "currentSession": "k1.a"}));
    assert_eq!(data(get(&api, "/session-pool/stats").await, 200)["sessions"], json!(["k1.a"]));

    let audit = api.get("/audit").await.ok();
    let actions: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["session_pool.clear", "session_pool.set_current", "session_pool.switch"]);
}

#[tokio::test]
async fn only_the_admin_token_opens_it_and_wrong_ones_shut_the_address_out() {
    let api = Api::start().await;
    let (_, _, key) = api.user_with_key("ada", json!({"name": "laptop", "can_login_web_ui": true})).await;
    let routes = [
        (Method::GET, "/api-keys"),
        (Method::POST, "/api-keys"),
        (Method::GET, "/api-keys/1"),
        (Method::PATCH, "/api-keys/1/collect-session"),
        (Method::GET, "/session-pool/stats"),
        (Method::POST, "/session-pool/switch"),
        (Method::POST, "/session-pool/set-current"),
        (Method::DELETE, "/session-pool"),
    ];
    for (method, path) in routes.clone() {
        let answer = api.admin_call(method, path).send().await;
        assert_eq!(answer.headers[WWW_AUTHENTICATE], "Bearer");
        refused(answer, 401, "unauthenticated");
    }
    for (method, path) in routes {
        let message = refused(api.admin_call(method, path).bearer(&key).send().await, 401, "unauthenticated");
        assert!(!message.contains(&key));
    }
    for _ in 0..2 {
        let wrong = api.admin_call(Method::GET, "/api-keys").bearer("wrong").send().await;
        refused(wrong, 401, "unauthenticated");
    }
    let answer = get(&api, "/api-keys").await;
    assert_eq!(answer.headers[RETRY_AFTER], "900");
    refused(answer, 429, "throttled");
    api.get("/users").await.problem(429, "throttled");
    let elsewhere = api.admin_call(Method::GET, "/api-keys").addressed_from("192.0.2.2").bearer(ADMIN);
    assert_eq!(elsewhere.send().await.status, StatusCode::OK);
}
