//! What goes wrong at a provider is told in the client's dialect, before the answer and in the middle of it.

use hub_lab::{Behaviour, Scenario};
use hub_types::{Dialect, Outcome};
use serde_json::Value;

use super::told::read;
use super::{Babel, directions};
use crate::harness::speech;
use crate::harness::upstream::Upstream;

fn script(text: &str) -> Scenario {
    Scenario::always(Behaviour::from_header(text).unwrap())
}

/// The message of an error, where a client of this dialect looks for it.
fn message(dialect: Dialect, body: &Value) -> &str {
    let error = &body["error"];
    match dialect {
        Dialect::Claude => {
            assert_eq!(body["type"], "error", "{body}");
            assert!(error["type"].is_string(), "{body}");
        }
        Dialect::OpenAi | Dialect::Responses => assert!(error["type"].is_string(), "{body}"),
        Dialect::Gemini | Dialect::GeminiCli => {
            assert!(error["code"].is_number() && error["status"].is_string(), "{body}");
        }
    }
    error["message"].as_str().unwrap_or_else(|| panic!("{body}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_of_the_provider_passes_in_the_clients_words() {
    let (babel, lab) = Babel::start().await;
    for status in [400, 404, 422, 429, 500, 529] {
        lab.set_scenario(script(&format!(
            "status={status}; retry_after=7; error_message=the sky over sk-vendor-credential fell"
        )));
        for (client, upstream) in directions() {
            // A pause that was asked for would keep the provider from being asked again.
            babel.hub.forgive(upstream.as_str()).await;
            let id = format!("{client} {upstream} {status}");
            let reply = babel.ask(client, upstream, false, speech::body(client, false)).await;
            let expected = if status == 529 && client != Dialect::Claude { 503 } else { status };
            assert_eq!(reply.status, expected, "{id}: {}", reply.text());
            assert_eq!(reply.header("content-type"), Some("application/json"), "{id}");
            let told = message(client, &reply.json()).to_owned();
            assert_eq!(told, "the sky over [redacted] fell", "{id}: {}", reply.text());
            assert_eq!(reply.header("retry-after"), Some("7"), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hubs_own_account_is_none_of_the_clients_business() {
    let (babel, lab) = Babel::start().await;
    lab.set_scenario(script("status=401; error_message=bad key sk-vendor-credential"));
    for (client, upstream) in directions() {
        babel.hub.forgive(upstream.as_str()).await;
        let reply = babel.ask(client, upstream, true, speech::body(client, true)).await;
        assert_eq!(reply.status, 502, "{client} {upstream}: {}", reply.text());
        assert!(message(client, &reply.json()).contains("the hub's account"), "{client} {upstream}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_the_middle_is_told_in_the_stream() {
    let (babel, lab) = Babel::start().await;
    for text in [
        "error_in_200; error_type=api_error; error_message=the sky fell; error_after=2; chunk_bytes=8",
        "truncate_after=2; cut=clean; chunk_bytes=8",
        "truncate_after=2; cut=close; chunk_bytes=8; chunk_ms=50",
    ] {
        lab.set_scenario(script(text));
        for (client, upstream) in directions() {
            babel.hub.forgive(upstream.as_str()).await;
            let id = format!("{client} {upstream} {text}");
            let reply = babel.ask(client, upstream, true, speech::body(client, true)).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            assert!(reply.is_whole, "{id}: the stream itself ends as it should");
            let told = read(client, true, &reply.body);
            // A Responses client reads the text from the deltas.
            let said = if client == Dialect::Responses { reply.text() } else { told.text };
            assert!(said.contains("A simul"), "{id}: {}", reply.text());
            let error = told.error.unwrap_or_else(|| panic!("{id}: no error in {}", reply.text()));
            let expected = if text.starts_with("error") { "the sky fell" } else { "broke off" };
            assert!(error.contains(expected), "{id}: {error}");
            let record = babel.hub.record(reply.id()).await;
            assert_eq!(record.outcome, Outcome::UpstreamTruncated, "{id}");
            assert!(record.request.output_tokens > 0, "{id}: what came is paid for");
        }
    }
}

/// An answer up to where the model says that it is done, without the words that end the stream.
fn all_but_the_end(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Claude => {
            r#"event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":7,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"all said"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}

"#
        }
        _ => {
            r#"data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"all said"}}]}

data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

"#
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_before_the_stream_has_ended_is_told_and_on_record() {
    for upstream in [Dialect::Claude, Dialect::OpenAi] {
        let vendor = Upstream::breaking_off("text/event-stream", all_but_the_end(upstream).as_bytes()).await;
        let babel = Babel::at(|_| vendor.url()).await;
        for (client, _) in directions().filter(|(client, of)| *of == upstream && client != of) {
            let id = format!("{client} {upstream}");
            let reply = babel.ask(client, upstream, true, speech::body(client, true)).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            assert!(reply.text().contains("all said"), "{id}: {}", reply.text());
            let error = read(client, true, &reply.body).error;
            let error = error.unwrap_or_else(|| panic!("{id}: no error in {}", reply.text()));
            assert!(error.contains("broke off"), "{id}: {error}");
            let record = babel.hub.record(reply.id()).await;
            assert_eq!(record.outcome, Outcome::UpstreamTruncated, "{id}");
            assert!(record.request.output_tokens > 0, "{id}: what came is paid for");
        }
    }
}

/// Nothing of an answer in one piece leaves before it is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_body_is_no_answer() {
    let (babel, lab) = Babel::start().await;
    for text in [
        "truncate_after=2; cut=clean",
        "truncate_after=2; cut=reset",
        "malformed=json",
        "malformed=html",
        "malformed=empty",
        "error_in_200; error_type=api_error; error_message=the sky fell",
    ] {
        lab.set_scenario(script(text));
        for (client, upstream) in directions() {
            babel.hub.forgive(upstream.as_str()).await;
            let id = format!("{client} {upstream} {text}");
            let reply = babel.ask(client, upstream, false, speech::body(client, false)).await;
            assert_eq!(reply.status, 502, "{id}: {}", reply.text());
            let body = reply.json();
            let told = message(client, &body);
            assert!(!told.is_empty(), "{id}");
            if text.starts_with("error") {
                assert_eq!(told, "the sky fell", "{id}");
            }
            assert_eq!(babel.hub.record(reply.id()).await.outcome, Outcome::Failed, "{id}");
        }
    }
}
