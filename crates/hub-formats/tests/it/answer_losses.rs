//! What of an answer could not be carried is told, and what a client can't carry is given out to be kept.

use hub_formats::convert::{Converter, End, SignatureStash, Target, convert_request, convert_request_with};
use hub_types::Dialect;
use serde_json::{Value, json};

use crate::dialects::source;

fn converter(client: Dialect, upstream: Dialect, answer: &Value) -> (Converter, String) {
    let body = match client {
        Dialect::Responses => json!({"model": "m", "stream": true, "input": "x"}),
        _ => json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "x"}]}),
    };
    let text = body.to_string();
    let plan = convert_request(source(client, text.as_bytes()), &Target::new(upstream, "m")).unwrap().plan;
    let (mut converter, mut out) = (Converter::new(plan), Vec::new());
    converter.feed(answer.to_string().as_bytes(), &mut out);
    converter.finish(End::Eof, &mut out);
    (converter, String::from_utf8(out).unwrap())
}

#[test]
fn losses_of_answers_are_told() {
    let text = "hi";
    for (client, upstream, answer, losses) in [
        (
            Dialect::OpenAi,
            Dialect::Claude,
            json!({"content": [{"type": "server_tool_use", "name": "web_search"},
                {"type": "text", "text": text, "citations": [{"url": "u"}]}], "stop_reason": "brand_new"}),
            "hosted_trace:server_tool_use,citations,unknown_stop:brand_new",
        ),
        (
            Dialect::OpenAi,
            Dialect::Claude,
            json!({"content": [{"type": "text", "text": text}], "stop_reason": "stop_sequence", "stop_sequence": "END"}),
            "stop_sequence_identity",
        ),
        (
            Dialect::Claude,
            Dialect::OpenAi,
            json!({"choices": [{"message": {"content": text, "annotations": [{"type": "url_citation"}]},
                "logprobs": {"content": [{"token": "hi"}]}, "finish_reason": "odd"}]}),
            "logprobs,annotations,unknown_stop:odd",
        ),
        (
            Dialect::Claude,
            Dialect::Responses,
            json!({"status": "completed", "output": [{"type": "web_search_call"}, {"type": "message",
                "content": [{"type": "output_text", "text": text, "annotations": [{"type": "url_citation"}]}]}]}),
            "hosted_trace:web_search_call,annotations",
        ),
        (
            Dialect::OpenAi,
            Dialect::Gemini,
            json!({"candidates": [{"content": {"parts": [{"text": text}, {"executableCode": {"code": "1"}}]},
                "groundingMetadata": {"a": 1}, "citationMetadata": {"b": 1}, "finishReason": "NEW"}]}),
            "hosted_trace:executableCode,grounding,citations,unknown_stop:NEW",
        ),
        (
            Dialect::Claude,
            Dialect::OpenAi,
            json!({"choices": [{"message": {"tool_calls": [{"id": "a:b", "function": {"name": "f", "arguments": "{}"}}]},
                "finish_reason": "tool_calls"}]}),
            "id_rewritten",
        ),
    ] {
        let (converter, out) = converter(client, upstream, &answer);
        assert_eq!(converter.losses().to_string(), losses, "{out}");
    }
}

struct Kept(Vec<(String, String)>);

impl SignatureStash for Kept {
    fn signature(&self, call_id: &str) -> Option<String> {
        self.0.iter().find(|(id, _)| id == call_id).map(|(_, signature)| signature.clone())
    }
}

#[test]
fn signatures_that_a_chat_client_drops_come_back_from_the_stash() {
    let answer = json!({"candidates": [{"content": {"parts": [
        {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "UzE="},
        {"functionCall": {"id": "c2", "name": "f", "args": {}}}]}, "finishReason": "STOP"}]});
    let (mut converter, _) = converter(Dialect::OpenAi, Dialect::Gemini, &answer);
    let kept = Kept(converter.take_signatures());
    assert_eq!(kept.0.len(), 1);
    assert_eq!(kept.0[0].0, "c1");
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let body = json!({"messages": [{"role": "user", "content": "x"},
        {"role": "assistant", "content": null, "tool_calls": [call("c1"), call("c2")]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"}, {"role": "tool", "tool_call_id": "c2", "content": "2"}]})
    .to_string();
    let request = |target: &Target| {
        let body =
            convert_request_with(source(Dialect::OpenAi, body.as_bytes()), target, &kept).unwrap().body;
        String::from_utf8(body).unwrap()
    };
    let gemini = request(&Target::new(Dialect::Gemini, "gemini-3-pro"));
    assert_eq!(gemini.matches("thoughtSignature").count(), 1);
    assert!(gemini.contains(r#""thoughtSignature":"UzE=""#), "{gemini}");
    let claude = request(&Target::new(Dialect::Claude, "claude-opus-5-5"));
    assert!(!claude.contains("UzE=") && !claude.contains("h1."), "{claude}");
}
