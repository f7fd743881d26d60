//! What means something else has another hash.

use std::collections::HashMap;

use hub_types::Dialect;
use serde_json::{Value, json};

use super::super::conversation_chain;
use super::{DEEP, chain, full_chain};

/// All of them are different conversations.
#[track_caller]
fn assert_distinct(dialect: Dialect, bodies: &[Value]) {
    let mut seen = HashMap::new();
    for body in bodies {
        let deepest = *chain(dialect, body).last().unwrap();
        if let Some(other) = seen.insert(deepest, body) {
            panic!("{other} and {body} have the same hash");
        }
    }
}

fn said(member: &str, parts: &[Value]) -> Vec<Value> {
    let key = if member == "contents" { "parts" } else { "content" };
    parts.iter().map(|parts| json!({member: [{"role": "user", key: parts}]})).collect()
}

#[test]
fn texts_images_calls_results_and_their_order_count_in_claude() {
    let text = |text: &str| json!({"type": "text", "text": text});
    let image = |data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let call = |id: &str, input: Value| json!({"type": "tool_use", "id": id, "name": "f", "input": input});
    let result = |content: Value, error: bool| json!({"type": "tool_result", "tool_use_id": "1", "content": content, "is_error": error});
    let mut bodies = said(
        "messages",
        &[
            json!([]),
            json!("a"),
            json!("b"),
            json!("ab"),
            json!([text("a"), text("b")]),
            json!([text("b"), text("a")]),
            json!([image("AAAA")]),
            json!([image("AAAB")]),
            json!([text("AAAA")]),
            json!([{"type": "image", "source": {"type": "url", "url": "https://x.example/a"}}]),
            json!([image("AAAA"), text("a")]),
            json!([text("a"), image("AAAA")]),
            json!([call("1", json!({}))]),
            json!([call("2", json!({}))]),
            json!([call("1", json!({"a": 1}))]),
            json!([call("1", json!({"a": "1"}))]),
            json!([call("1", json!({"a": 1.0}))]),
            json!([call("1", json!({"a": [1]}))]),
            json!([call("1", json!({"a": {"id": 1}}))]),
            json!([call("1", json!({"a": {"id": 2}}))]),
            json!([call("1", json!({"a": {"cache_control": 1}}))]),
            json!([call("1", json!({"a": {}}))]),
            json!([result(json!("a"), false)]),
            json!([result(json!("a"), true)]),
            json!([result(json!([image("AAAA")]), false)]),
            json!([{"type": "document", "source": {"data": "x"}}]),
            json!([{"type": "document", "source": {"data": "y"}}]),
        ],
    );
    bodies.push(json!({"messages": [{"role": "assistant", "content": "a"}]}));
    bodies.push(json!({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}));
    assert_distinct(Dialect::Claude, &bodies);
}

#[test]
fn texts_images_calls_and_results_count_in_the_other_dialects() {
    let image = |url: &str| json!([{"type": "image_url", "image_url": {"url": url}}]);
    let mut chat = said(
        "messages",
        &[
            json!("a"),
            json!("b"),
            image("data:a"),
            image("data:b"),
            json!([{"type": "input_audio", "input_audio": {"data": "x"}}]),
        ],
    );
    let call = |name: &str, arguments: &str| {
        json!({"messages": [{"role": "assistant", "tool_calls": [
        {"id": "1", "function": {"name": name, "arguments": arguments}}]}]})
    };
    chat.extend([call("f", "{}"), call("g", "{}"), call("f", "{\"a\":1}")]);
    chat.extend(
        ["1", "2"].map(|id| json!({"messages": [{"role": "tool", "tool_call_id": id, "content": "a"}]})),
    );
    assert_distinct(Dialect::OpenAi, &chat);

    let item = |item: Value| json!({"input": [item]});
    assert_distinct(
        Dialect::Responses,
        &[
            json!({"input": "a"}),
            json!({"input": "b"}),
            item(json!({"role": "user", "content": [{"type": "input_image", "image_url": "data:a"}]})),
            item(json!({"role": "user", "content": [{"type": "input_image", "image_url": "data:b"}]})),
            item(json!({"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"})),
            item(
                json!({"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}", "namespace": "n"}),
            ),
            item(json!({"type": "custom_tool_call", "call_id": "1", "name": "f", "input": "x"})),
            item(json!({"type": "custom_tool_call_output", "call_id": "1", "output": "x"})),
            item(json!({"type": "function_call_output", "call_id": "1", "output": "y"})),
            item(json!({"type": "item_reference", "id": "msg_1"})),
            item(json!({"type": "item_reference", "id": "msg_2"})),
            item(json!({"type": "web_search_call", "id": "ws_1", "action": {"query": "q"}})),
            item(json!({"type": "web_search_call", "id": "ws_1", "action": {"query": "r"}})),
        ],
    );

    assert_distinct(
        Dialect::Gemini,
        &said(
            "contents",
            &[
                json!([{"text": "a"}]),
                json!([{"text": "b"}]),
                json!([{"inlineData": {"mimeType": "image/png", "data": "AA"}}]),
                json!([{"inline_data": {"mime_type": "image/png", "data": "BB"}}]),
                json!([{"fileData": {"fileUri": "gs://a"}}]),
                json!([{"fileData": {"fileUri": "gs://b"}}]),
                json!([{"functionCall": {"name": "f", "args": {"a": 1}}}]),
                json!([{"functionCall": {"name": "f", "args": {"a": 2}}}]),
                json!([{"functionResponse": {"name": "f", "response": {"a": 1}}}]),
                json!([{"functionResponse": {"name": "f", "response": {"a": 2}}}]),
                json!([{"executableCode": {"code": "x"}}]),
                json!([{"executableCode": {"code": "y"}}]),
            ],
        ),
    );
}

#[test]
fn the_system_prompt_counts_only_when_asked_for() {
    for (dialect, one, other) in [
        (Dialect::Claude, json!({"system": "a", "messages": [{"role": "user", "content": "x"}]}), "b"),
        (
            Dialect::OpenAi,
            json!({"messages": [{"role": "developer", "content": "a"}, {"role": "user", "content": "x"}]}),
            "b",
        ),
        (Dialect::Responses, json!({"instructions": "a", "input": "x"}), "b"),
        (
            Dialect::Responses,
            json!({"input": [{"role": "system", "content": "a"}, {"role": "user", "content": "x"}]}),
            "b",
        ),
        (
            Dialect::Responses,
            json!({"input": [{"type": "additional_tools", "role": "developer", "tools": ["a"]}, {"role": "user", "content": "x"}]}),
            "b",
        ),
        (
            Dialect::Gemini,
            json!({"systemInstruction": {"parts": [{"text": "a"}]}, "contents": [{"parts": [{"text": "x"}]}]}),
            "b",
        ),
    ] {
        let other: Value =
            serde_json::from_str(&one.to_string().replace("\"a\"", &format!("\"{other}\""))).unwrap();
        assert_eq!(chain(dialect, &one), chain(dialect, &other));
        assert_eq!(chain(dialect, &one).len(), 1);
        assert_ne!(full_chain(dialect, &one), full_chain(dialect, &other));
        assert_ne!(chain(dialect, &one), full_chain(dialect, &one));
    }
    let billed = json!({"system": [{"type": "text", "text": "x-anthropic-billing-header: 1"}], "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(chain(Dialect::Claude, &billed), full_chain(Dialect::Claude, &billed));
}

#[test]
fn escapes_white_space_and_repeated_members_are_read_as_a_parser_reads_them() {
    let plain = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"é\n\"/😀"},{"type":"x","a":{"k":2}}]}]}"#;
    let odd = r#" { "messages" : [ { "content":"no", "content" : [ { "t\u0079pe":"te\u0078t", "text":"\u00e9\u000a\u0022\/\ud83d\ude00" },
        {"a":{"\u006b":1,"k" : 2},"type":"x","id":"i","cache_control":{}} ] , "role":"us\u0065r" } ] } "#;
    let (plain, odd) =
        [plain, odd].map(|body| conversation_chain(Dialect::Claude, body.as_bytes(), DEEP)).into();
    assert_eq!(plain, odd);
}
