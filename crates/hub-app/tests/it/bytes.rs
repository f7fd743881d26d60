//! What passes, passes byte for byte, in both directions and in every size.

use hub_types::Dialect;
use serde_json::json;

use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::upstream::Upstream;
use crate::harness::world::{Setup, World};
use crate::harness::{find, sha256};

/// Sends a request with an id and holds both directions against what the lab saw and said.
async fn exact(world: &World, id: &str, path: &str, body: String, script: &str) -> Reply {
    let sent = sha256(body.as_bytes());
    let request = Request::post(path, body).key(&world.key.text).lab(script).lab_id(id);
    let reply = request.send(world.address()).await;
    assert_eq!(reply.status, 200, "{id}: {}", reply.text());
    assert!(reply.is_whole, "{id}");
    let seen = world.witnessed(id).await;
    assert!(seen.is_complete(), "{id}");
    assert_eq!(seen.request_sha256, Some(sent), "{id}: the request was changed");
    assert_eq!(seen.response_bytes, reply.body.len() as u64, "{id}");
    assert_eq!(seen.response_sha256, Some(sha256(&reply.body)), "{id}: the answer was changed");
    reply
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_every_size_and_their_answers_are_unchanged() {
    let world = World::start().await;
    for size in [1_000, 100_000, 1_200_000, 20_000_000] {
        for stream in [false, true] {
            let body = speech::body_of(Dialect::Claude, stream, size);
            exact(&world, &format!("{size} {stream}"), "/v1/messages?beta=true", body, "").await;
        }
        let body = speech::body_of(Dialect::Claude, false, size);
        exact(&world, &format!("{size} count"), "/v1/messages/count_tokens", body, "").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_is_unchanged_in_both_forms() {
    let world = World::start().await;
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            for size in [1_000, 1_200_000] {
                let body = speech::body_of(dialect, stream, size);
                let id = format!("{dialect} {stream} {size}");
                exact(&world, &id, &speech::path(dialect, stream), body, "unicode; thinking; tool_call")
                    .await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_and_finely_cut_answers_are_unchanged() {
    let world = World::start().await;
    for dialect in [Dialect::Claude, Dialect::Responses] {
        let whole = speech::body(dialect, false);
        let path = speech::path(dialect, false);
        let id = format!("large {dialect}");
        let reply = exact(&world, &id, &path, whole, "body_bytes=20000000; unicode").await;
        assert!(reply.body.len() > 20_000_000);
        // An announced length stays announced.
        assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    }
    for dialect in Dialect::ALL {
        let path = speech::path(dialect, true);
        let long =
            exact(&world, &format!("long {dialect}"), &path, speech::body(dialect, true), "chunks=10000")
                .await;
        assert!(long.text().lines().count() > 20_000, "{dialect}");
        let script = "split=1; chunks=5; unicode";
        exact(&world, &format!("cut {dialect}"), &path, speech::body(dialect, true), script).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_ends_and_comments_of_streams_are_unchanged() {
    let world = World::start().await;
    for dialect in Dialect::ALL {
        for (script, mark) in
            [("crlf; comments", "\r\n\r\n"), ("comments; split=7", "\n:"), ("crlf; split=3", "\r\n")]
        {
            let id = format!("{dialect} {script}");
            let body = speech::body(dialect, true);
            let reply = exact(&world, &id, &speech::path(dialect, true), body, script).await;
            assert!(find(&reply.body, mark.as_bytes()).is_some(), "{id}: the lab did not do as told");
        }
    }
}

/// JSON that a parse and a print would change.
const ODD: &str = r#" ,  "n" : 123456789012345678901234567890, "e":1e2 , "z": -0.0,"é":"\u00e9\u00E9\/","dup":1,
 "dup": 2 ,	"unknown_field":{"deep":[[],{ },[ 1,2 , 3]]} } "#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_json_is_unchanged_in_requests_and_answers() {
    let answer = format!("{{ \"id\":\"x\" , \"usage\":{{\"input_tokens\":1}}{ODD}\n");
    let events = |dialect: Dialect| {
        let content = match dialect {
            Dialect::Claude => {
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#
            }
            Dialect::OpenAi => r#"{"choices":[{"index":0,"delta":{"content":"x"}}]}"#,
            Dialect::Responses => r#"{"type":"response.output_text.delta","delta":"x"}"#,
            Dialect::Gemini => r#"{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}"#,
            Dialect::GeminiCli => r#"{"response":{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}}"#,
        };
        format!(
            "data: {content}\n\nevent: message_start\ndata: {{\"type\":\"message_start\"{}\n\n: a comment\n\nevent: never_heard_of\nid: 7\nretry: 10\ndata: not json at all\ndata:second line\n\n\ndata\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\ndata: [DONE]\n\n",
            ODD.replace('\n', " ")
        )
    };
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let (content_type, said) = if stream {
                ("text/event-stream", events(dialect))
            } else {
                ("application/json", answer.clone())
            };
            let upstream = Upstream::answering(content_type, said.as_bytes()).await;
            let setup = Setup::new().await;
            setup.provider_for(dialect, "odd", &upstream.url(), json!({})).await;
            let (key, hub) = (setup.member().await, setup.start().await);
            let plain = speech::body(dialect, stream);
            let body = format!("\n{}{ODD}", plain.strip_suffix('}').unwrap());
            let request = Request::post(speech::path(dialect, stream), body.clone()).key(&key.text);
            let reply = request.send(hub.address).await;
            assert_eq!(reply.status, 200, "{dialect}: {}", reply.text());
            assert_eq!(upstream.bodies(), [body.into_bytes()], "{dialect} {stream}");
            // An odd stream without the dialect's end is taken for a broken one: the hub says so after it.
            assert!(reply.body.starts_with(said.as_bytes()), "{dialect} {stream}: {}", reply.text());
            if !stream {
                assert_eq!(reply.text(), said, "{dialect}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_usage_chunk_that_the_client_did_not_ask_for_is_recorded_and_not_shown() {
    const FIRST: &str =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}],\"usage\":null}\r\n\r\n: ping\n\n";
    const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":5,\"total_tokens\":16,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n";
    const LAST: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const DONE: &str = "data: [DONE]\n\n";
    let said = format!("{FIRST}{LAST}{USAGE}{DONE}");
    let upstream = Upstream::answering("text/event-stream", said.as_bytes()).await;
    let setup = Setup::new().await;
    setup.provider_for(Dialect::OpenAi, "chat", &upstream.url(), json!({})).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let body = r#"{"model":"gpt-5", "stream" : true,"messages":[]}"#;
    let reply = Request::post("/v1/chat/completions", body).key(&key.text).send(hub.address).await;
    assert_eq!(reply.text(), format!("{FIRST}{LAST}{DONE}"));
    let sent = String::from_utf8(upstream.bodies().remove(0)).unwrap();
    assert_ne!(sent, body);
    let asked: serde_json::Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(asked["stream_options"]["include_usage"], true);
    let record = hub.record(reply.id()).await.request;
    assert_eq!((record.input_tokens, record.cache_read_tokens, record.output_tokens), (8, 3, 5));

    // Whoever asks for it, gets it.
    let body = speech::body(Dialect::OpenAi, true);
    let reply = Request::post("/v1/chat/completions", body).key(&key.text).send(hub.address).await;
    assert_eq!(reply.text(), said);
}
