//! What is kept of a session's last request and answer.

use std::time::Duration;

use hub_lab::Behaviour;
use hub_testkit::Redis;
use hub_types::Dialect;
use serde_json::{Value, json};

use super::ring::Ring;
use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::ADMIN_TOKEN;

const PATIENCE: Duration = Duration::from_secs(10);
const ASKED: &str = "quokka in the request";
const ANSWERED: &str = "numbat in the answer";
/// That of all providers here.
const VENDOR: &str = "sk-vendor-credential";

async fn keeping(what: &str, dialect: Dialect) -> Ring {
    let ring = Ring::with(&[("STORE_SESSION_MESSAGES", what)], json!({}), dialect, &[json!({})]).await;
    answering(&ring, ANSWERED);
    ring
}

/// One text, whole in one piece.
fn answering(ring: &Ring, text: &str) {
    let behaviour = Behaviour { text: Some(text.to_owned()), chunks: Some(1), ..Behaviour::default() };
    let provider = ring.members[0].0;
    ring.plays(provider, Behaviour { chunk_bytes: Some(1 << 20), ..behaviour });
}

fn ask(dialect: Dialect, stream: bool, text: &str) -> Request {
    let body = speech::body_with(dialect, speech::model(dialect), stream, text);
    Request::post(speech::path(dialect, stream), body).header("x-session-id", session(stream))
}

/// One for streams, one for answers in one piece.
fn session(stream: bool) -> &'static str {
    if stream { "streamed" } else { "plain" }
}

/// What the admin sees of the session.
async fn shown(ring: &Ring, stream: bool) -> Value {
    let path = format!("/api/v1/sessions/k{}.{}", ring.key.id, session(stream));
    let reply = Request::get(path).key(ADMIN_TOKEN).send(ring.hub.address).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// The same, once it is as it should be: large bodies are worked on beside the requests.
async fn shown_when(ring: &Ring, stream: bool, is_right: impl Fn(&Value) -> bool) -> Value {
    let looking = async {
        loop {
            let shown = shown(ring, stream).await;
            if is_right(&shown) {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let Ok(shown) = tokio::time::timeout(PATIENCE, looking).await else {
        panic!("{}", shown(ring, stream).await)
    };
    shown
}

fn both_kept(shown: &Value) -> bool {
    !shown["messages"].is_null() && !shown["response"].is_null()
}

/// An answer as the interface shows it.
fn readable(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| reply.text().into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_kept_unless_asked_for() {
    for variables in [&[][..], &[("STORE_SESSION_MESSAGES", "false")]] {
        let ring = Ring::with(variables, json!({}), Dialect::Claude, &[json!({})]).await;
        for stream in [false, true] {
            let served = ring.served(ask(Dialect::Claude, stream, ASKED)).await;
            assert_eq!(served.session(), format!("k{}.{}", ring.key.id, session(stream)));
            let shown = shown(&ring, stream).await;
            assert_eq!((&shown["messages"], &shown["response"]), (&Value::Null, &Value::Null));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redacted_is_the_structure_without_any_of_the_text() {
    for dialect in Dialect::ALL {
        let ring = keeping("redacted", dialect).await;
        for stream in [false, true] {
            let reply = ring.send(ask(dialect, stream, ASKED)).await;
            assert!(reply.text().contains(ANSWERED), "{dialect} {stream}: {}", reply.text());
            let shown = shown_when(&ring, stream, both_kept).await;
            let (request, answer) = (shown["messages"].to_string(), shown["response"].to_string());
            for kept in [&request, &answer] {
                assert!(!kept.contains("quokka") && !kept.contains("numbat"), "{dialect} {stream}: {kept}");
            }
            assert!(request.contains("[21 characters]"), "{dialect} {stream}: {request}");
            assert!(answer.contains("[20 characters]"), "{dialect} {stream}: {answer}");
            assert!(shown["messages"].is_object() && shown["response"].is_string() == stream, "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn true_is_everything_as_it_was_sent_and_answered() {
    for dialect in Dialect::ALL {
        let ring = keeping("true", dialect).await;
        for stream in [false, true] {
            let reply = ring.send(ask(dialect, stream, ASKED)).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let shown = shown_when(&ring, stream, both_kept).await;
            let sent = speech::body_with(dialect, speech::model(dialect), stream, ASKED);
            assert_eq!(shown["messages"], serde_json::from_str::<Value>(&sent).unwrap());
            assert_eq!(shown["response"], readable(&reply), "{dialect} {stream}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_the_client_did_not_ask_for_is_not_kept_either() {
    let (ring, stream) = (keeping("true", Dialect::OpenAi).await, true);
    let body =
        json!({"model": "gpt-5", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]});
    let request =
        Request::post("/v1/chat/completions", body.to_string()).header("x-session-id", session(stream));
    let reply = ring.send(request).await;
    assert!(reply.text().ends_with("data: [DONE]\n\n"), "{}", reply.text());
    let shown = shown_when(&ring, stream, both_kept).await;
    assert_eq!((&shown["messages"], &shown["response"]), (&body, &reply.text().into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_them_for_all_instances() {
    let redis = Redis::start().await.unwrap();
    let variables = [("STORE_SESSION_MESSAGES", "redacted"), ("REDIS_URL", &redis.url())];
    let ring = Ring::with(&variables, json!({}), Dialect::Claude, &[json!({})]).await;
    answering(&ring, ANSWERED);
    for stream in [false, true] {
        assert_eq!(ring.send(ask(Dialect::Claude, stream, ASKED)).await.status, 200);
        let is_this = |shown: &Value| {
            shown["messages"]["stream"] == stream
                && if stream { shown["response"].is_string() } else { shown["response"].is_object() }
        };
        let shown = shown_when(&ring, stream, is_this).await;
        assert_eq!(shown["messages"]["messages"][0]["content"], "[21 characters]");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_clients_key_nor_the_providers_credential_is_kept() {
    for what in ["redacted", "true"] {
        for dialect in Dialect::ALL {
            let ring = keeping(what, dialect).await;
            for stream in [false, true] {
                let key = &ring.key.text;
                let told = format!("{VENDOR} and {key}");
                answering(&ring, &told);
                assert_eq!(ring.send(ask(dialect, stream, &told)).await.status, 200);
                let shown = shown_when(&ring, stream, both_kept).await;
                assert!(!shown.to_string().contains(key), "{shown}");
                assert!(!shown["response"].to_string().contains(VENDOR), "{shown}");
                let mark = if what == "true" { "[redacted] and [redacted]" } else { " characters]" };
                assert!(shown["response"].to_string().contains(mark), "{shown}");
                // What is worked on beside the requests.
                let long = format!("{key} {}", "x".repeat(100_000));
                assert_eq!(ring.send(ask(dialect, stream, &long)).await.status, 200);
                let is_long = |shown: &Value| {
                    let request = shown["messages"].to_string();
                    request.len() > 100_000 || request.contains("[1000")
                };
                let shown = shown_when(&ring, stream, is_long).await;
                assert!(!shown.to_string().contains(key), "{shown}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_large_bodies_the_size_is_kept() {
    for what in ["redacted", "true"] {
        let ring = keeping(what, Dialect::Claude).await;
        for stream in [false, true] {
            answering(&ring, &"z".repeat(1_500_000));
            let body = speech::body_of(Dialect::Claude, stream, (1 << 20) + 1);
            let request = Request::post("/v1/messages", body).header("x-session-id", session(stream));
            let reply = ring.send(request).await;
            assert_eq!(reply.status, 200);
            let shown = shown_when(&ring, stream, both_kept).await;
            assert_eq!(shown["messages"], "[1048577 bytes]");
            assert_eq!(shown["response"], format!("[{} bytes]", reply.body.len()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_bodies_of_almost_a_mebibyte_the_structure_is_kept() {
    let (ring, stream) = (keeping("redacted", Dialect::Claude).await, true);
    answering(&ring, &"z".repeat(900_000));
    let body = speech::body_of(Dialect::Claude, stream, 1 << 20);
    let request = Request::post("/v1/messages", body).header("x-session-id", session(stream));
    assert_eq!(ring.send(request).await.status, 200);
    let shown = shown_when(&ring, stream, both_kept).await;
    assert!(
        shown["messages"]["messages"][0]["content"].as_str().unwrap().ends_with("characters]"),
        "{shown}"
    );
    assert!(shown["response"].as_str().unwrap().contains("[900000 characters]"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_that_left_got_is_kept() {
    let (ring, stream) = (keeping("true", Dialect::Claude).await, true);
    let request = ask(Dialect::Claude, stream, ASKED).key(&ring.key.text);
    let slow = Behaviour { chunks: Some(40), chunk_ms: Some(20), ..Behaviour::default() };
    ring.plays(ring.members[0].0, slow);
    request.send_and_leave_after(ring.hub.address, b"content_block_delta").await;
    let shown = shown_when(&ring, stream, both_kept).await;
    let kept = shown["response"].as_str().unwrap();
    assert!(kept.contains("content_block_delta") && !kept.contains("message_stop"), "{kept}");
}
