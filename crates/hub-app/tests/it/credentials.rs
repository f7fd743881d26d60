//! Whose key it is: where it may be, when it is good, and who has to wait.

use std::time::Duration;

use hub_types::Dialect;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::{Hub, PATIENCE, Setup, World};

const UNKNOWN: &str = "cch_unknownunknownunknownunknownunknownunknow";

fn ask(dialect: Dialect) -> Request {
    Request::post(speech::path(dialect, false), speech::body(dialect, false))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_found_in_every_place_and_stays_here() {
    let world = World::start().await;
    let key = world.key.text.as_str();
    for dialect in Dialect::ALL {
        let body = speech::body(dialect, false);
        let path = speech::path(dialect, false);
        let places = [
            ask(dialect).header("authorization", format!("Bearer {key}")),
            ask(dialect).header("Authorization", format!("bearer  {key}")),
            ask(dialect).header("x-api-key", key),
            ask(dialect).header("x-goog-api-key", key),
            Request::post(format!("{path}?key={key}&beta=true"), body),
            ask(dialect).header("x-api-key", key).header("authorization", format!("Bearer {key}")),
        ];
        for (index, request) in places.into_iter().enumerate() {
            let id = format!("{dialect} {index}");
            let reply = request.lab_id(&id).send(world.address()).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            let seen = world.witnessed(&id).await;
            assert!(!seen.headers_contain("cch_"), "{id}: {:?}", seen.headers);
            assert!(!seen.path.contains("cch_"), "{id}: {}", seen.path);
            assert_eq!(
                seen.path.contains("beta=true"),
                index == 4,
                "the rest of the query stays: {}",
                seen.path
            );
            let place = match dialect {
                Dialect::Claude => "x-api-key",
                Dialect::Gemini => "x-goog-api-key",
                _ => "authorization",
            };
            assert!(seen.header(place).unwrap().ends_with("sk-vendor-credential"), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_unknown_and_contradicting_keys_are_401_in_every_dialect() {
    let world = World::start().await;
    for dialect in Dialect::ALL {
        let two = ask(dialect).key(&world.key.text).header("x-api-key", UNKNOWN);
        for (request, word) in
            [(ask(dialect), "no API key"), (ask(dialect).key(UNKNOWN), "unknown"), (two, "two")]
        {
            let reply = request.send(world.address()).await;
            assert_eq!(reply.status, 401, "{dialect} {word}");
            assert!(reply.text().contains(word), "{dialect}: {}", reply.text());
            assert!(!reply.text().contains("cch_"), "{dialect}: {}", reply.text());
        }
    }
    assert_eq!(world.lab.witness().totals().received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switched_off_and_expired_keys_and_users_are_403_and_recorded() {
    let setup = Setup::new().await;
    let ada = setup.user(json!({"name": "ada"})).await;
    let off = setup.user(json!({"name": "off", "is_enabled": false})).await;
    let old = setup.user(json!({"name": "old", "expires_at": "2020-01-01T00:00:00Z"})).await;
    let cases = [
        (setup.key(ada, json!({"name": "a", "is_enabled": false})).await, "key_disabled"),
        (setup.key(ada, json!({"name": "b", "expires_at": "2020-01-01T00:00:00Z"})).await, "key_expired"),
        (setup.key(off, json!({"name": "c"})).await, "user_disabled"),
        (setup.key(old, json!({"name": "d"})).await, "user_expired"),
    ];
    let hub = setup.start().await;
    for (key, code) in cases {
        let reply = ask(Dialect::OpenAi).key(&key.text).send(hub.address).await;
        assert_eq!(reply.status, 403, "{code}: {}", reply.text());
        assert_eq!(reply.json()["error"]["code"], code);
        let record = hub.record(reply.id()).await;
        assert_eq!((record.request.status, record.request.key_id), (403, Some(key.id)));
        assert_eq!(record.request.error_code.as_deref(), Some(code));
        assert_eq!(record.outcome, hub_types::Outcome::Refused);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_may_be_held_to_one_dialect() {
    let (setup, lab) = (Setup::new().await, crate::harness::world::lab().await);
    setup.providers(&lab.url()).await;
    let ada = setup.user(json!({"name": "ada"})).await;
    let mut keys = Vec::new();
    for permission in ["claude", "openai", "responses", "gemini", "all"] {
        keys.push((permission, setup.key(ada, json!({"name": permission, "permissions": permission})).await));
    }
    let hub = setup.start().await;
    for (permission, key) in keys {
        for dialect in Dialect::ALL {
            // Both Gemini dialects are one permission.
            let is_covered = permission == "all" || dialect.as_str().starts_with(permission);
            let reply = ask(dialect).key(&key.text).send(hub.address).await;
            assert_eq!(
                reply.status,
                if is_covered { 200 } else { 403 },
                "{permission} {dialect}: {}",
                reply.text()
            );
        }
    }
}

async fn from(hub: &Hub, address: &str, key: &str) -> Reply {
    ask(Dialect::Claude).key(key).header("x-forwarded-for", address).send(hub.address).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_unknown_keys_close_the_door_to_their_address_only() {
    let (setup, lab) = (Setup::new().await, crate::harness::world::lab().await);
    setup.providers(&lab.url()).await;
    let good = setup.member().await;
    let ada = setup.user(json!({"name": "bob"})).await;
    let disabled = setup.key(ada, json!({"name": "old laptop", "is_enabled": false})).await;
    let hub = setup.start().await;
    for _ in 0..30 {
        assert_eq!(
            from(&hub, "203.0.113.5", &disabled.text).await.status,
            403,
            "a disabled key never counts"
        );
    }
    for attempt in 0..20 {
        let key = format!("cch_{attempt:040}");
        assert_eq!(from(&hub, "203.0.113.5", &key).await.status, 401, "attempt {attempt}");
    }
    for key in [UNKNOWN, good.text.as_str()] {
        let reply = from(&hub, "203.0.113.5", key).await;
        assert_eq!(reply.status, 429, "{}", reply.text());
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((590..=600).contains(&wait), "{wait}");
        assert_eq!(reply.json()["error"]["type"], "rate_limit_error");
    }
    let reply = from(&hub, "203.0.113.6", &good.text).await;
    assert_eq!(reply.status, 200);
    let record = hub.record(reply.id()).await;
    assert_eq!(record.client_address.as_deref(), Some("203.0.113.6"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_believed_from_trusted_proxies_only() {
    let world = World::with(&[("TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    let reply = from(&world.hub, "203.0.113.5", &world.key.text).await;
    let record = world.hub.record(reply.id()).await;
    assert_eq!(record.client_address.as_deref(), Some("127.0.0.1"));
    for attempt in 0..20 {
        let address = format!("203.0.113.{attempt}");
        assert_eq!(from(&world.hub, &address, UNKNOWN).await.status, 401);
    }
    assert_eq!(from(&world.hub, "198.51.100.1", &world.key.text).await.status, 429, "all of them were one");

    let world = World::with(&[("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")]).await;
    let reply = from(&world.hub, "1.1.1.1, 203.0.113.5, 10.0.0.3", &world.key.text).await;
    let record = world.hub.record(reply.id()).await;
    assert_eq!(
        record.client_address.as_deref(),
        Some("203.0.113.5"),
        "what a client prepends is not believed"
    );
    let reply = ask(Dialect::Claude).key(&world.key.text).header("x-real-ip", "203.0.113.8");
    let record = world.hub.record(reply.send(world.address()).await.id()).await;
    assert_eq!(record.client_address.as_deref(), Some("203.0.113.8"));
}

/// Answers to two requests on one connection. Bodies follow their heads a moment later, as SDKs send them.
async fn one_after_the_other(world: &World, requests: [String; 2]) -> [String; 2] {
    let mut socket = TcpStream::connect(world.address()).await.unwrap();
    let mut answers = [const { String::new() }; 2];
    for (request, answer) in requests.iter().zip(&mut answers) {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        socket.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        socket.write_all(body.as_bytes()).await.unwrap();
        // Both answers have a length and fit into one packet.
        let mut raw = [0; 8192];
        let length = timeout(PATIENCE, socket.read(&mut raw)).await.unwrap().unwrap();
        *answer = String::from_utf8_lossy(&raw[..length]).to_lowercase();
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_leaves_its_connection_fit_for_the_next() {
    let world = World::start().await;
    let body = speech::body(Dialect::Claude, false);
    let ask = |path: &str, key: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\nx-api-key: {key}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let good = ask("/v1/messages", &world.key.text);
    for (bad, status) in [(ask("/v1/messages", UNKNOWN), "401"), (ask("/v1/nowhere", UNKNOWN), "404")] {
        let [first, second] = one_after_the_other(&world, [bad, good.clone()]).await;
        assert!(first.starts_with(&format!("http/1.1 {status}")), "{first}");
        assert!(!first.contains("connection: close"), "{first}");
        assert!(second.starts_with("http/1.1 200"), "{second}");
    }
}
