//! Every direction, streaming and not: what the model says arrives, and what it cost is on record.

use hub_types::{Dialect, Outcome};
use serde_json::{Value, json};

use super::told::read;
use super::{Babel, directions};
use crate::harness::speech;
use crate::harness::world::witnessed;

const TEXT: &str = "Ein Prüfsatz, 一段文字, \"quoted\" 🙂.";

/// What a converted request to a provider of this dialect calls.
fn place(upstream: Dialect, stream: bool) -> String {
    speech::path_for(upstream, speech::model(upstream), stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_thoughts_calls_reasons_and_usage_arrive_in_every_direction() {
    let (babel, lab) = Babel::start().await;
    for (client, upstream) in directions() {
        for stream in [false, true] {
            for (name, more) in
                [("text", ""), ("call", ";tool_call;tool_name=find"), ("thought", ";thinking")]
            {
                let id = format!("{client} {upstream} {stream} {name}");
                let script = format!("text={TEXT};input=70;output=40;cache_read=50{more}");
                // A header holds no letters beyond ASCII: the lab is told what to do beforehand.
                lab.set_scenario(hub_lab::Scenario::always(
                    hub_lab::Behaviour::from_header(&script).unwrap(),
                ));
                let body = speech::body(client, stream);
                let asked = babel.request(client, upstream, stream, body).lab_id(&id);
                let reply = asked.send(babel.hub.address).await;
                assert_eq!(reply.status, 200, "{id}: {}", reply.text());
                assert!(reply.is_whole, "{id}");
                let kind = if stream { "text/event-stream; charset=utf-8" } else { "application/json" };
                assert_eq!(reply.header("content-type"), Some(kind), "{id}");

                let told = read(client, stream, &reply.body);
                assert_eq!(told.text, TEXT, "{id}: {}", reply.text());
                assert_eq!(told.thoughts.is_empty(), name != "thought", "{id}: {}", reply.text());
                assert_eq!(told.usage, [120, 40, 50], "{id}: {}", reply.text());
                if name == "call" {
                    let [(_, called, arguments)] = told.calls.as_slice() else { panic!("{id}: {told:?}") };
                    assert_eq!(called, "find", "{id}");
                    assert_eq!(arguments, &json!({"query": "weather in Hangzhou", "limit": 3}), "{id}");
                }
                assert_eq!(told.stop, if name == "call" { "tool" } else { "stop" }, "{id}");

                let seen = witnessed(&lab, &id).await;
                assert_eq!((seen.dialect, seen.stream), (upstream, stream), "{id}");
                assert_eq!(seen.path, place(upstream, stream), "{id}");
                assert_eq!(seen.model, speech::model(upstream), "{id}");
                assert_eq!(seen.header("content-type"), Some("application/json"), "{id}");
                let version = (upstream == Dialect::Claude).then_some("2023-06-01");
                assert_eq!(seen.header("anthropic-version"), version, "{id}");
                assert!(!seen.headers_contain("cch_"), "{id}");

                let record = babel.hub.record(reply.id()).await;
                assert_eq!(record.outcome, Outcome::Completed, "{id}");
                let request = &record.request;
                assert_eq!(
                    (request.input_tokens, request.output_tokens, request.cache_read_tokens),
                    (70, 40, 50),
                    "{id}: as it is billed"
                );
                assert_eq!(request.sent_model.as_deref(), Some(speech::model(upstream)), "{id}");
                assert_eq!(request.model.as_deref(), Some(speech::model(client)), "{id}");
                assert!(request.cost_usd.is_some() && request.ttft_ms.is_some(), "{id}");
            }
        }
    }
}

/// Headers of one vendor's clients say nothing to another vendor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_the_clients_vendor_stays_here() {
    let (babel, lab) = Babel::start().await;
    let body = speech::body(Dialect::Claude, false);
    let asked = babel
        .request(Dialect::Claude, Dialect::OpenAi, false, body)
        .lab_id("vendor")
        .header("anthropic-version", "2026-10-21")
        .header("anthropic-beta", "context-1m")
        .header("x-stainless-lang", "js")
        .header("x-team", "blue")
        .header("user-agent", "claude-cli/2.1");
    assert_eq!(asked.send(babel.hub.address).await.status, 200);
    let seen = witnessed(&lab, "vendor").await;
    assert!(!seen.headers_contain("anthropic") && !seen.headers_contain("stainless"), "{:?}", seen.headers);
    assert_eq!((seen.header("x-team"), seen.header("user-agent")), (Some("blue"), Some("claude-cli/2.1")));
}

/// A client sees what there is while the provider is still talking.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_passed_on_while_it_comes() {
    let (babel, lab) = Babel::start().await;
    // So much later that a wait for the end would be noticed.
    lab.set_scenario(hub_lab::Scenario::always(
        hub_lab::Behaviour::from_header("chunks=2; chunk_ms=600000; chunk_bytes=20").unwrap(),
    ));
    for (client, upstream) in directions() {
        let asked = babel.request(client, upstream, true, speech::body(client, true));
        let reply = asked.send_and_leave_after(babel.hub.address, b"A simulated").await;
        assert_eq!(reply.status, 200, "{client} {upstream}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_in_words_that_change_nothing_comes_through() {
    let (babel, lab) = Babel::start().await;
    for (client, upstream) in directions() {
        for script in ["crlf", "comments", "split=1"] {
            let id = format!("{client} {upstream} {script}");
            lab.set_scenario(hub_lab::Scenario::always(
                hub_lab::Behaviour::from_header(&format!("{script}; text=fine; thinking; tool_call"))
                    .unwrap(),
            ));
            let reply = babel.ask(client, upstream, true, speech::body(client, true)).await;
            let told = read(client, true, &reply.body);
            assert_eq!((told.text.as_str(), told.stop.as_str()), ("fine", "tool"), "{id}: {}", reply.text());
        }
    }
    // The name that the client used comes back.
    let reply =
        babel.ask(Dialect::Claude, Dialect::OpenAi, false, speech::body(Dialect::Claude, false)).await;
    let model: &Value = &reply.json()["model"];
    assert_eq!(model, speech::model(Dialect::Claude));
}
