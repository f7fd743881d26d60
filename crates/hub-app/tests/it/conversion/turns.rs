//! Conversations of several turns: a call goes out, its result comes back, and both fit together at the provider.

use std::collections::BTreeMap;

use hub_types::Dialect;
use serde_json::{Value, json};

use super::shapes::{BIG, calling, cut_short};
use super::told::{Told, read};
use super::{Babel, directions};
use crate::harness::speech;
use crate::harness::upstream::Upstream;

/// A hub whose providers all say the same, each in its dialect.
async fn saying(answer: fn(Dialect) -> Value) -> (Babel, BTreeMap<Dialect, Upstream>) {
    let mut upstreams = BTreeMap::new();
    for dialect in Dialect::ALL {
        let body = answer(dialect).to_string();
        upstreams.insert(dialect, Upstream::answering("application/json", body.as_bytes()).await);
    }
    (Babel::at(|dialect| upstreams[&dialect].url()).await, upstreams)
}

/// The first turn: a question, and a tool.
fn question(client: Dialect) -> Value {
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}, "id": {"type": "integer"}}});
    match client {
        Dialect::Claude => json!({
            "model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Where?"}],
            "tools": [{"name": "look", "description": "d", "input_schema": schema}],
        }),
        Dialect::OpenAi => json!({
            "model": "gpt-5", "messages": [{"role": "user", "content": "Where?"}],
            "tools": [{"type": "function", "function": {"name": "look", "parameters": schema}}],
        }),
        Dialect::Responses => json!({
            "model": "gpt-5-codex", "input": [{"role": "user", "content": "Where?"}],
            "tools": [{"type": "function", "name": "look", "parameters": schema, "strict": false}],
        }),
        Dialect::Gemini => json!({
            "contents": [{"role": "user", "parts": [{"text": "Where?"}]}],
            "tools": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": schema}]}],
        }),
        Dialect::GeminiCli => {
            json!({"model": "gemini-2.5-pro", "project": "p", "request": question(Dialect::Gemini)})
        }
    }
}

/// The second turn: what the client was told, and what its tool said.
fn with_result(client: Dialect, told: &Told) -> Value {
    let mut body = question(client);
    let [(id, name, arguments)] = told.calls.as_slice() else { panic!("{told:?}") };
    let add = |list: &mut Value, more: Vec<Value>| list.as_array_mut().unwrap().extend(more);
    match client {
        Dialect::Claude => add(
            &mut body["messages"],
            vec![
                json!({"role": "assistant", "content": [{"type": "text", "text": told.text},
                    {"type": "tool_use", "id": id, "name": name, "input": arguments}]}),
                json!({"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": id, "content": "by the lake"}]}),
            ],
        ),
        Dialect::OpenAi => add(
            &mut body["messages"],
            vec![
                json!({"role": "assistant", "content": told.text, "tool_calls": [{"id": id, "type": "function",
                    "function": {"name": name, "arguments": arguments.to_string()}}]}),
                json!({"role": "tool", "tool_call_id": id, "content": "by the lake"}),
            ],
        ),
        Dialect::Responses => add(
            &mut body["input"],
            vec![
                json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments.to_string()}),
                json!({"type": "function_call_output", "call_id": id, "output": "by the lake"}),
            ],
        ),
        Dialect::Gemini | Dialect::GeminiCli => {
            let list = if client == Dialect::Gemini {
                &mut body["contents"]
            } else {
                &mut body["request"]["contents"]
            };
            let mut call = json!({"name": name, "args": arguments});
            let mut response = json!({"name": name, "response": {"output": "by the lake"}});
            if !id.is_empty() {
                call["id"] = json!(id);
                response["id"] = json!(id);
            }
            add(
                list,
                vec![
                    json!({"role": "model", "parts": [{"text": told.text}, {"functionCall": call}]}),
                    json!({"role": "user", "parts": [{"functionResponse": response}]}),
                ],
            );
        }
    }
    body
}

/// Arguments of the call and text of its result, as the provider found them; the ids, if there are any, fit.
fn round_trip(upstream: Dialect, body: &Value) -> (Value, String) {
    let find = |list: &Value, kind: &str| -> Value {
        let items = list.as_array().unwrap_or_else(|| panic!("{body}"));
        items.iter().find(|item| item["type"] == kind).unwrap_or_else(|| panic!("{kind}: {body}")).clone()
    };
    let text = |value: &Value| match value {
        Value::Array(parts) => parts[0]["text"].as_str().unwrap().to_owned(),
        value => value.as_str().unwrap_or_else(|| panic!("{body}")).to_owned(),
    };
    let parsed = |value: &Value| serde_json::from_str(value.as_str().unwrap()).unwrap();
    match upstream {
        Dialect::Claude => {
            let call = find(&body["messages"][1]["content"], "tool_use");
            let result = find(&body["messages"][2]["content"], "tool_result");
            assert_eq!(call["id"], result["tool_use_id"], "{body}");
            (call["input"].clone(), text(&result["content"]))
        }
        Dialect::OpenAi => {
            let messages = body["messages"].as_array().unwrap();
            let call = messages.iter().find_map(|message| message["tool_calls"].get(0)).unwrap();
            let result = messages.iter().find(|message| message["role"] == "tool").unwrap();
            assert_eq!(call["id"], result["tool_call_id"], "{body}");
            (parsed(&call["function"]["arguments"]), text(&result["content"]))
        }
        Dialect::Responses => {
            let call = find(&body["input"], "function_call");
            let result = find(&body["input"], "function_call_output");
            assert_eq!(call["call_id"], result["call_id"], "{body}");
            (parsed(&call["arguments"]), text(&result["output"]))
        }
        Dialect::Gemini => {
            let parts = |turn: usize, key: &str| {
                let parts = body["contents"][turn]["parts"].as_array().unwrap().clone();
                parts.into_iter().find_map(|part| part.get(key).cloned()).unwrap_or_else(|| panic!("{body}"))
            };
            let (call, result) = (parts(1, "functionCall"), parts(2, "functionResponse"));
            assert_eq!(call["id"], result["id"], "{body}");
            (call["args"].clone(), text(&result["response"]["output"]))
        }
        Dialect::GeminiCli => round_trip(Dialect::Gemini, &body["request"]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_and_its_result_fit_together_at_the_provider() {
    let (babel, upstreams) = saying(calling).await;
    for (client, upstream) in directions() {
        for stream in [false, true] {
            let id = format!("{client} {upstream} {stream}");
            let asked = |mut body: Value| {
                if stream && !matches!(client, Dialect::Gemini | Dialect::GeminiCli) {
                    body["stream"] = json!(true);
                }
                babel.ask(client, upstream, stream, body.to_string())
            };
            let reply = asked(question(client)).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            let told = read(client, stream, &reply.body);
            assert_eq!((told.text.as_str(), told.stop.as_str()), ("Let me look.", "tool"), "{id}");
            assert_eq!(told.calls[0].2, json!({"city": "Hangzhou", "id": BIG}), "{id}");
            let reply = asked(with_result(client, &told)).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            let bodies = upstreams[&upstream].bodies();
            let sent: Value = serde_json::from_slice(bodies.last().unwrap()).unwrap();
            let (arguments, result) = round_trip(upstream, &sent);
            assert_eq!(arguments, json!({"city": "Hangzhou", "id": BIG}), "{id}");
            assert_eq!(result, "by the lake", "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_cut_at_its_limit_says_so() {
    let (babel, _upstreams) = saying(cut_short).await;
    for (client, upstream) in directions() {
        for stream in [false, true] {
            let reply = babel.ask(client, upstream, stream, speech::body(client, stream)).await;
            let told = read(client, stream, &reply.body);
            assert_eq!((told.text.as_str(), told.stop.as_str()), ("half a", "length"), "{client} {upstream}");
            assert_eq!(told.usage, [5, 2, 0], "{client} {upstream} {stream}: {}", reply.text());
        }
    }
}
