//! The session pool in the running hub: collected, lent or not, and never seen upstream.

use std::collections::HashSet;

use hub_management::ListQuery;
use hub_types::{Dialect, ProviderId};
use serde_json::{Value, json};

use super::ring::{Ring, Served, named, turn};
use crate::harness::client::{Reply, Request};
use crate::harness::world::{ADMIN_TOKEN, Key, ME, object, witnessed};
use crate::harness::{sha256, speech};

const PROVIDERS: usize = 5;
/// A pool that does not move on by itself.
const LARGE: [(&str, &str); 2] = [("SESSION_POOL_MIN_SIZE", "1000"), ("SESSION_POOL_MAX_SIZE", "1000")];

async fn ring(uses_pool: bool) -> Ring {
    let variables = [LARGE[0], LARGE[1], ("USE_SESSION_POOL", if uses_pool { "true" } else { "false" })];
    Ring::with(&variables, json!({}), Dialect::Claude, &vec![json!({}); PROVIDERS]).await
}

/// A key whose sessions are collected.
async fn trusted(ring: &Ring) -> Key {
    let management = ring.hub.management();
    let owner = management.list_users(&ME, &ListQuery::default()).await.unwrap().items[0].id;
    let fields = object(json!({"name": "ci", "collect_session": true}));
    let made = management.create_key(&ME, owner, &fields).await.unwrap();
    ring.hub.app.catch_up().await;
    Key { id: made.view.id, text: made.key }
}

async fn served_by_key(ring: &Ring, key: &Key, request: Request) -> Served {
    let reply = request.key(&key.text).send(ring.hub.address).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    ring.record(&reply).await
}

/// Two collected sessions that are bound to different providers.
async fn two_sessions(ring: &Ring, trusted: &Key) -> [Served; 2] {
    let first = served_by_key(ring, trusted, named("warm")).await;
    for number in 0..100 {
        let other = served_by_key(ring, trusted, named(&format!("warm-{number}"))).await;
        if other.provider() != first.provider() {
            return [first, other];
        }
    }
    panic!("100 sessions went to one of {PROVIDERS} providers");
}

/// Where conversations go that have nothing in common and name no session.
async fn unnamed(ring: &Ring, what: &str) -> (HashSet<ProviderId>, HashSet<String>) {
    let (mut providers, mut sessions) = (HashSet::new(), HashSet::new());
    for number in 0..12 {
        let served = ring.served(turn(&format!("{what} {number}"), 1)).await;
        providers.insert(served.provider());
        sessions.insert(served.session().to_owned());
    }
    (providers, sessions)
}

async fn pool(ring: &Ring, method: &'static str, route: &str, body: &Value) -> Reply {
    let mut request = Request::new(method, format!("/admin/session-pool{route}"))
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"));
    if !body.is_null() {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    request.send(ring.hub.address).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_an_id_follow_the_current_session_and_keep_their_own() {
    let ring = ring(true).await;
    let trusted = trusted(&ring).await;
    let (spread, _) = unnamed(&ring, "before").await;
    assert!(spread.len() > 1, "an empty pool lends nothing: {spread:?}");

    let [first, other] = two_sessions(&ring, &trusted).await;
    let (to, sessions) = unnamed(&ring, "first").await;
    assert_eq!(to, HashSet::from([first.provider()]));
    assert_eq!(sessions.len(), 12, "on record each is a session of its own");
    assert!(!sessions.contains(first.session()));

    let choice = json!({"sessionId": other.session()});
    let answer = pool(&ring, "POST", "/set-current", &choice).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["data"]["previousSession"], first.session());
    assert_eq!(unnamed(&ring, "other").await.0, HashSet::from([other.provider()]));
    // Whoever names a session goes where that one is bound.
    assert_eq!(served_by_key(&ring, &trusted, named("warm")).await.provider(), first.provider());

    let stats = pool(&ring, "GET", "/stats", &Value::Null).await.json()["data"].clone();
    assert_eq!(stats["currentSession"], other.session());
    assert!(stats["poolSize"].as_u64().unwrap() >= 2 && stats["config"]["enabled"] == true, "{stats}");
    let emptied = pool(&ring, "DELETE", "", &Value::Null).await;
    assert_eq!(emptied.json()["data"]["currentSession"], other.session());
    assert_eq!(unnamed(&ring, "emptied").await.0, HashSet::from([other.provider()]));
    let alone = pool(&ring, "POST", "/switch", &Value::Null).await;
    assert_eq!(alone.status, 409, "{}", alone.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_off_collects_and_lends_nothing() {
    let ring = ring(false).await;
    let trusted = trusted(&ring).await;
    let [first, _] = two_sessions(&ring, &trusted).await;
    let stats = pool(&ring, "GET", "/stats", &Value::Null).await.json()["data"].clone();
    assert_eq!(
        (&stats["currentSession"], &stats["config"]["enabled"]),
        (&json!(first.session()), &json!(false))
    );
    let (spread, _) = unnamed(&ring, "conversation").await;
    assert!(spread.len() > 1, "12 conversations went to {spread:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_other_keys_are_not_collected() {
    let ring = ring(true).await;
    for number in 0..3 {
        ring.served(named(&format!("s-{number}"))).await;
    }
    let stats = pool(&ring, "GET", "/stats", &Value::Null).await.json()["data"].clone();
    assert_eq!((&stats["poolSize"], &stats["currentSession"]), (&json!(0), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_upstream_is_what_the_client_sent() {
    let ring = ring(true).await;
    let trusted = trusted(&ring).await;
    let warm = served_by_key(&ring, &trusted, named("warm-0199aaaa")).await;
    let body = speech::body(Dialect::Claude, false);
    let request = Request::post("/v1/messages", body.clone()).lab_id("lent");
    let served = ring.served(request).await;
    assert_eq!((served.provider(), served.is_reuse()), (warm.provider(), true));
    let entry = witnessed(ring.lab(served.provider()), "lent").await;
    assert_eq!(entry.request_sha256, Some(sha256(body.as_bytes())));
    assert!(!entry.headers_contain("warm-0199aaaa"), "{:?}", entry.headers);
}
