//! Nothing that somebody wrote gets through, and what it was can still be seen.

use hub_types::Dialect;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{redact_request, redact_response};
use crate::MAX_MESSAGE_BYTES;

fn request(dialect: Dialect, body: &Value) -> Value {
    serde_json::from_slice(&redact_request(dialect, body.to_string().as_bytes())).unwrap()
}

#[test]
fn a_claude_request_keeps_its_structure() {
    let body = json!({
        "model": "claude-sonnet-4", "max_tokens": 1024, "stream": true, "temperature": 0.5,
        "metadata": {"user_id": "user_abc", "name": "ada"},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "get_weather", "description": "Says the weather",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string", "default": "Bern"}}}}],
        "messages": [
            {"role": "user", "content": "Grüße"},
            {"role": "user", "content": [{"type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_weather",
                "input": {"type": "street", "name": "Bern", "nr": 7, "notes": {"id": "x"}}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": ""}]},
        ],
    });
    let expected = json!({
        "model": "claude-sonnet-4", "max_tokens": 1024, "stream": true, "temperature": 0.5,
        "metadata": {"user_id": "[8 characters]", "name": "[3 characters]"},
        "system": [{"type": "text", "text": "[9 characters]", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "get_weather", "description": "[16 characters]",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string", "default": "[4 characters]"}}}}],
        "messages": [
            {"role": "user", "content": "[5 characters]"},
            {"role": "user", "content": [{"type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "[8 characters]"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_weather",
                "input": {"type": "[6 characters]", "name": "[4 characters]", "nr": 7, "notes": {"id": "[1 character]"}}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": ""}]},
        ],
    });
    assert_eq!(request(Dialect::Claude, &body), expected);
}

#[test]
fn every_dialect_hides_what_tools_are_called_with() {
    for (dialect, body, expected) in [
        (
            Dialect::OpenAi,
            json!({"messages": [{"role": "user", "name": "ada", "content": "hi"}, {"role": "assistant",
                "tool_calls": [{"id": "call_1", "type": "function",
                    "function": {"name": "look_up", "arguments": "{\"a\":1}"}}]}]}),
            json!({"messages": [{"role": "user", "name": "[3 characters]", "content": "[2 characters]"}, {"role": "assistant",
                "tool_calls": [{"id": "call_1", "type": "function",
                    "function": {"name": "look_up", "arguments": "[7 characters]"}}]}]}),
        ),
        (
            Dialect::Responses,
            json!({"model": "gpt-5", "instructions": "x y", "input": [{"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "hello"}]}, {"type": "function_call",
                "call_id": "c1", "name": "look_up", "arguments": "{}"}]}),
            json!({"model": "gpt-5", "instructions": "[3 characters]", "input": [{"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "[5 characters]"}]}, {"type": "function_call",
                "call_id": "c1", "name": "look_up", "arguments": "[2 characters]"}]}),
        ),
        (
            Dialect::GeminiCli,
            json!({"model": "gemini-3", "request": {"contents": [{"role": "user", "parts": [{"text": "hi"},
                {"functionCall": {"name": "look_up", "args": {"name": "ada"}}},
                {"functionResponse": {"name": "look_up", "response": {"status": "married"}}}]}]}}),
            json!({"model": "gemini-3", "request": {"contents": [{"role": "user", "parts": [{"text": "[2 characters]"},
                {"functionCall": {"name": "look_up", "args": {"name": "[3 characters]"}}},
                {"functionResponse": {"name": "look_up", "response": {"status": "[7 characters]"}}}]}]}}),
        ),
    ] {
        assert_eq!(request(dialect, &body), expected, "{dialect:?}");
    }
}

#[test]
fn texts_in_places_of_words_and_keys_are_replaced_too() {
    let body = json!({"role": "tell me a story", "files": {"/home/ada/plan": 1, "plain_key": 2}});
    let expected = json!({"role": "[15 characters]", "files": {"[14 characters]": 1, "plain_key": 2}});
    assert_eq!(request(Dialect::OpenAi, &body), expected);
}

#[test]
fn an_event_stream_is_redacted_event_by_event() {
    let stream = "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
        \"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\r\n\r\n: comment\n\ndata: [DONE]\n\ndata: half";
    let expected = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
        \"delta\":{\"type\":\"text_delta\",\"text\":\"[5 characters]\"}}\n\ndata: [DONE]\n\ndata: [4 characters]\n\n";
    let redacted = String::from_utf8(redact_response(Dialect::Claude, stream.as_bytes())).unwrap();
    assert_eq!(redacted, expected);
    let answer = redact_response(Dialect::GeminiCli, br#"{"response":{"modelVersion":"g","text":"abc"}}"#);
    assert_eq!(answer, br#"{"response":{"modelVersion":"g","text":"[3 characters]"}}"#);
}

#[test]
fn what_is_no_json_or_would_grow_too_large_becomes_a_note() {
    assert_eq!(redact_request(Dialect::Claude, b"secret"), br#""[6 bytes]""#);
    assert_eq!(redact_response(Dialect::Claude, b"<html>"), br#""[6 bytes]""#);
    assert_eq!(redact_response(Dialect::Claude, b""), br#""[0 bytes]""#);
    let many = format!("[{}1]", "\"a\",".repeat(MAX_MESSAGE_BYTES / 8));
    let note = format!("\"[{} bytes]\"", many.len());
    assert_eq!(redact_request(Dialect::Claude, many.as_bytes()), note.as_bytes());
}

/// JSON whose every text and strange key says that it is secret.
fn secrets() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), Just(json!("a SECRET text"))];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec!["type", "name", "role", "input", "args", "text", "id", "response"])
                .prop_map(str::to_owned),
            Just("a SECRET key".to_owned()),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_gets_through(body in secrets(), dialect in prop::sample::select(Dialect::ALL.to_vec())) {
        let text = body.to_string();
        let event = format!("event: SECRET event\ndata: {text}\n\ndata: SECRET\n\n");
        for redacted in [
            redact_request(dialect, text.as_bytes()),
            redact_response(dialect, text.as_bytes()),
            redact_response(dialect, event.as_bytes()),
        ] {
            prop_assert!(!String::from_utf8(redacted).unwrap().contains("SECRET"));
        }
    }

    #[test]
    fn any_bytes_are_taken(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let redacted = redact_response(Dialect::Responses, &body);
        prop_assert!(std::str::from_utf8(&redacted).is_ok());
    }
}
