//! What a vendor sealed goes through a client of another dialect and comes back unchanged.

use hub_formats::convert::{Target, convert_request};
use hub_types::Dialect;
use serde_json::{Value, json};

use crate::dialects::{convert_body, source};

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// Asks, converts the answer, and asks again with the answer in the history: what the provider gets then.
fn second_request(client: Dialect, upstream: Dialect, model: &str, answer: &Value) -> Value {
    let target = Target::new(upstream, model);
    let first = match client {
        Dialect::Responses => json!({"model": "m", "input": [{"role": "user", "content": "x"}]}),
        Dialect::Claude | Dialect::OpenAi => {
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}]})
        }
        Dialect::Gemini | Dialect::GeminiCli => json!({"contents": [{"parts": [{"text": "x"}]}]}),
    };
    let text = first.to_string();
    let mut from = source(client, text.as_bytes());
    from.path_stream = false;
    let plan = convert_request(from, &target).unwrap().plan;
    let answered = json(&convert_body(&plan, answer.to_string().as_bytes()).unwrap());
    let mut second = first;
    let history = |second: &mut Value, key: &str, items: Vec<Value>| {
        second[key].as_array_mut().unwrap().extend(items);
    };
    match client {
        Dialect::Claude => {
            let said = json!({"role": "assistant", "content": answered["content"]});
            let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "r"}]});
            history(&mut second, "messages", vec![said, result]);
        }
        Dialect::Responses => {
            let mut items = answered["output"].as_array().unwrap().clone();
            items.push(json!({"type": "function_call_output", "call_id": "c1", "output": "r"}));
            history(&mut second, "input", items);
        }
        Dialect::OpenAi => {
            let said = answered["choices"][0]["message"].clone();
            let result = json!({"role": "tool", "tool_call_id": "c1", "content": "r"});
            history(&mut second, "messages", vec![said, result]);
        }
        Dialect::Gemini | Dialect::GeminiCli => {
            let said = answered["candidates"][0]["content"].clone();
            let result = json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "id": "c1", "response": {"output": "r"}}}]});
            history(&mut second, "contents", vec![said, result]);
        }
    }
    let text = second.to_string();
    json(&convert_request(source(client, text.as_bytes()), &target).unwrap().body)
}

#[test]
fn claudes_signatures_come_back_with_their_exact_text() {
    let answer = json!({"id": "m", "content": [
        {"type": "thinking", "thinking": " let me\n\nsee ", "signature": "EqQB"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}}],
        "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 1}});
    for client in [Dialect::Responses, Dialect::Gemini] {
        let request = second_request(client, Dialect::Claude, "claude-sonnet-4-5", &answer);
        assert_eq!(request["messages"][1]["content"], answer["content"], "{client}");
    }
}

#[test]
fn redacted_thinking_comes_back() {
    let answer = json!({"id": "m", "content": [
        {"type": "redacted_thinking", "data": "Zm9v"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}}], "stop_reason": "tool_use"});
    for client in [Dialect::Responses, Dialect::Gemini] {
        let request = second_request(client, Dialect::Claude, "claude-sonnet-4-5", &answer);
        assert_eq!(request["messages"][1]["content"], answer["content"], "{client}");
    }
}

#[test]
fn openais_sealed_reasoning_comes_back_without_its_id() {
    let answer = json!({"id": "r", "status": "completed", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "plan"}], "encrypted_content": "gAAAAB"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}]});
    for client in [Dialect::Claude, Dialect::Gemini] {
        let request = second_request(client, Dialect::Responses, "gpt-5.6", &answer);
        let expected = json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "plan"}], "encrypted_content": "gAAAAB"});
        assert_eq!(request["input"][1], expected, "{client}");
    }
}

#[test]
fn geminis_signatures_come_back_on_their_calls() {
    let answer = json!({"responseId": "r", "candidates": [{"content": {"role": "model", "parts": [
        {"text": "plan", "thought": true},
        {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "UzE="}]}, "finishReason": "STOP"}]});
    for client in [Dialect::Claude, Dialect::Responses, Dialect::OpenAi] {
        let request = second_request(client, Dialect::Gemini, "gemini-3-pro", &answer);
        let part = &request["contents"][1]["parts"][0];
        assert_eq!(part["thoughtSignature"], "UzE=", "{client}: {request}");
        assert_eq!(part["functionCall"]["name"], "f");
        assert!(!request.to_string().contains("plan"));
    }
}
