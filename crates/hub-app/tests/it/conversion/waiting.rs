//! What else happens to answers on their way, when they are translated: clients that wait or leave, a second
//! provider beside the first, transcripts, large bodies.

use std::time::Duration;

use hub_lab::{Behaviour, Lab, Scenario};
use hub_types::{AttemptReason, Dialect, Outcome};
use serde_json::{Value, json};

use super::Babel;
use super::told::read;
use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::world::{ADMIN_TOKEN, PATIENCE, Setup, lab, witnessed};

/// One direction for each client.
const SOME: [(Dialect, Dialect); 5] = [
    (Dialect::Claude, Dialect::Gemini),
    (Dialect::OpenAi, Dialect::Claude),
    (Dialect::Responses, Dialect::OpenAi),
    (Dialect::Gemini, Dialect::Responses),
    (Dialect::GeminiCli, Dialect::Claude),
];

fn plays(lab: &Lab, script: &str) {
    lab.set_scenario(Scenario::always(Behaviour::from_header(script).unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_of_life_precede_a_translation_and_its_failure() {
    let lab = lab().await;
    let url = lab.url();
    let babel = Babel::with(&[("STREAM_KEEP_ALIVE_MS", "100")], |_| url.clone()).await;
    for (client, upstream) in SOME {
        plays(&lab, "latency_ms=350; text=at last; tool_call; tool_name=find");
        let reply = babel.ask(client, upstream, true, speech::body(client, true)).await;
        assert_eq!(reply.status, 200, "{client}");
        let told = read(client, true, &reply.body);
        assert_eq!(
            (told.text.as_str(), told.stop.as_str()),
            ("at last", "tool"),
            "{client}: {}",
            reply.text()
        );

        plays(&lab, "latency_ms=350; status=400; error_message=no such luck");
        let reply = babel.ask(client, upstream, true, speech::body(client, true)).await;
        assert_eq!(reply.status, 200, "{client}: the head is out");
        let told = read(client, true, &reply.body);
        assert_eq!(told.error.as_deref(), Some("no such luck"), "{client}: {}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_that_left_has_used_is_read_off_the_upstreams_words() {
    let (babel, lab) = Babel::start().await;
    plays(&lab, "chunks=6; chunk_bytes=12; chunk_ms=40; input=70; output=40; cache_read=50");
    for (client, upstream) in SOME {
        let asked = babel.request(client, upstream, true, speech::body(client, true));
        let reply = asked.send_and_leave_after(babel.hub.address, b"A simulated").await;
        let record = babel.hub.record(reply.id()).await;
        assert_eq!(record.outcome, Outcome::ClientAborted, "{client}");
        let request = &record.request;
        let usage = (request.input_tokens, request.output_tokens, request.cache_read_tokens);
        assert_eq!(usage, (70, 40, 50), "{client}: read to the end, as the provider's policy says");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_provider_may_start_beside_a_slow_native_one_and_win() {
    let (setup, slow, quick) = (Setup::new().await, lab().await, lab().await);
    plays(&slow, "first_chunk_ms=60000");
    plays(&quick, "text=quick");
    let fields = json!({"hedge_after_ms": 100});
    setup.provider_for(Dialect::Claude, "slow", &slow.url(), fields).await;
    let fields = json!({"conversion": "auto"});
    setup.provider_for(Dialect::OpenAi, "quick", &quick.url(), fields).await;
    let key = setup.member().await;
    let hub = setup.start().await;
    let mut body: Value = serde_json::from_str(&speech::body(Dialect::Claude, true)).unwrap();
    body["top_k"] = json!(5);
    let asked = Request::post("/v1/messages", body.to_string()).key(&key.text);
    let reply = asked.send(hub.address).await;
    assert_eq!(read(Dialect::Claude, true, &reply.body).text, "quick", "{}", reply.text());
    assert_eq!(reply.header("x-hub-lossy"), Some("top_k"));
    let record = hub.record(reply.id()).await;
    let reasons: Vec<_> = record.attempts.iter().map(|attempt| attempt.reason).collect();
    assert_eq!(reasons, [AttemptReason::HedgeLost, AttemptReason::HedgeWon]);
    assert_eq!(record.loss, ["top_k"], "the winner's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transcripts_hold_what_the_client_said_and_got() {
    let lab = lab().await;
    let url = lab.url();
    plays(&lab, "text=numbat in the answer");
    let babel = Babel::with(&[("STORE_SESSION_MESSAGES", "true")], |_| url.clone()).await;
    for (client, upstream) in SOME {
        let body = speech::body(client, true);
        let session = format!("{client}-{upstream}");
        let asked = babel.request(client, upstream, true, body.clone()).header("x-session-id", &session);
        let reply = asked.send(babel.hub.address).await;
        let path = format!("/api/v1/sessions/k{}.{session}", babel.keys[&upstream].id);
        let looking = async {
            loop {
                let shown = Request::get(&path).key(ADMIN_TOKEN).send(babel.hub.address).await.json();
                if shown["response"].is_string() {
                    return shown;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let shown = tokio::time::timeout(PATIENCE, looking).await.unwrap();
        assert_eq!(shown["response"], reply.text(), "{client}");
        assert_eq!(shown["messages"], serde_json::from_str::<Value>(&body).unwrap(), "{client}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_is_said_like_a_small_one() {
    let (babel, lab) = Babel::start().await;
    for (client, upstream) in SOME {
        let size = 1 << 20;
        let asked = babel.request(client, upstream, false, speech::body_of(client, false, size));
        let id = format!("{client} large");
        let reply = asked.lab_id(&id).send(babel.hub.address).await;
        assert_eq!(reply.status, 200, "{client}: {}", reply.text());
        assert!(witnessed(&lab, &id).await.request_bytes > 900_000, "{client}");
    }
}
