//! Tokens counted at a provider of another dialect.

use hub_formats::convert::{Source, Target, convert_count, read_count, render_count};
use hub_types::Dialect;
use serde_json::{Value, json};

fn count(from: Dialect, body: &Value, to: Dialect) -> Option<Value> {
    let text = body.to_string();
    let source =
        Source { dialect: from, body: text.as_bytes(), path_model: Some("mine"), path_stream: false };
    let out = convert_count(source, &Target::new(to, "theirs")).ok()?;
    Some(serde_json::from_slice(&out).unwrap())
}

#[test]
fn only_what_has_tokens_is_counted() {
    let claude = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "system": "Be.",
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "string"}}}}]});
    let gemini = count(Dialect::Claude, &claude, Dialect::Gemini).unwrap();
    let request = &gemini["generateContentRequest"];
    assert_eq!(request["model"], "models/theirs");
    assert_eq!(request["contents"], json!([{"role": "user", "parts": [{"text": "hi"}]}]));
    assert_eq!(request["systemInstruction"]["parts"][0]["text"], "Be.");
    assert_eq!(request["tools"][0]["functionDeclarations"][0]["name"], "f");
    assert_eq!(
        count(Dialect::Claude, &claude, Dialect::GeminiCli).unwrap(),
        json!({"request": {"model": "models/theirs", "contents": request["contents"]}})
    );
    let responses = count(Dialect::Claude, &claude, Dialect::Responses).unwrap();
    assert_eq!(responses["instructions"], "Be.");
    assert!(responses.get("store").is_none() && responses.get("stream").is_none());
    assert_eq!(count(Dialect::Claude, &claude, Dialect::OpenAi), None);
    // Both forms of Gemini's.
    for body in [json!({"contents": request["contents"]}), gemini] {
        let claude = count(Dialect::Gemini, &body, Dialect::Claude).unwrap();
        assert_eq!(claude["model"], "theirs");
        assert_eq!(claude["messages"][0]["content"][0]["text"], "hi");
        assert!(claude.get("max_tokens").is_none());
    }
}

#[test]
fn counts_are_told_in_the_clients_words() {
    for (dialect, body) in [
        (Dialect::Claude, json!({"input_tokens": 7})),
        (Dialect::Responses, json!({"object": "response.input_tokens", "input_tokens": 7})),
        (Dialect::Gemini, json!({"totalTokens": 7})),
        (Dialect::GeminiCli, json!({"totalTokens": 7})),
    ] {
        let told = render_count(dialect, 7);
        assert_eq!(serde_json::from_slice::<Value>(&told).unwrap(), body);
        assert_eq!(read_count(dialect, &told), Some(7));
        assert_eq!(read_count(dialect, &render_count(dialect, 0)), Some(1));
        assert_eq!(read_count(dialect, b"<html>"), None);
    }
}
