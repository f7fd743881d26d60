//! Each dialect, whole and streamed, as its strict readers need it.

use hub_lab::{Lab, LabConfig};
use serde_json::{Value, json};

use crate::client::{Answer, post};

const FIGURES: &str = "input=100;output=50;cache_read=30;cache_write_5m=7;cache_write_1h=3;reasoning=20;chunks=3;\
    chunk_bytes=10;thinking;tool_call";

async fn lab() -> Lab {
    Lab::start(LabConfig::default()).await.unwrap()
}

async fn ask(path: &str, body: &str) -> Answer {
    let lab = lab().await;
    let answer = post(&lab, path, FIGURES, body).await;
    assert!(answer.whole);
    assert_eq!(answer.status, 200, "{}", answer.text());
    lab.stop().await;
    answer
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn joined(parts: impl Iterator<Item = Value>) -> String {
    parts.filter_map(|part| part.as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn claude_whole() {
    let answer = ask("/v1/messages?beta=true", r#"{"model":"claude-x","messages":[]}"#).await;
    assert!(answer.head.contains("content-type: application/json"));
    assert!(answer.head.contains("request-id: "));
    let message = answer.json();
    assert_eq!(message["model"], "claude-x");
    let blocks: Vec<&str> =
        message["content"].as_array().unwrap().iter().map(|b| b["type"].as_str().unwrap()).collect();
    assert_eq!(blocks, ["thinking", "text", "tool_use"]);
    assert_eq!(message["content"][1]["text"].as_str().unwrap().len(), 30);
    assert_eq!(message["stop_reason"], "tool_use");
    let usage = &message["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(100), &json!(50)));
    assert_eq!(usage["cache_read_input_tokens"], 30);
    assert_eq!(usage["cache_creation_input_tokens"], 10);
    assert_eq!(usage["cache_creation"]["ephemeral_1h_input_tokens"], 3);
}

#[tokio::test]
async fn claude_streamed_has_full_block_framing() {
    let answer = ask("/v1/messages", r#"{"model":"claude-x","stream":true}"#).await;
    assert!(answer.head.contains("content-type: text/event-stream"));
    for (name, data) in answer.events() {
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(name.as_deref(), data["type"].as_str(), "the event line repeats the type");
    }
    let events = answer.data();
    let (start, delta, stop) = ("content_block_start", "content_block_delta", "content_block_stop");
    assert_eq!(
        kinds(&events),
        [
            "message_start",
            start,
            delta,
            delta,
            stop,
            start,
            delta,
            delta,
            delta,
            stop,
            start,
            delta,
            delta,
            stop,
            "message_delta",
            "message_stop"
        ]
    );
    let indexes: Vec<u64> = events.iter().filter_map(|event| event["index"].as_u64()).collect();
    assert!(indexes.is_sorted() && indexes[0] == 0 && indexes.last() == Some(&2));
    assert_eq!(events[0]["message"]["usage"]["output_tokens"], 1);
    let usage = &events[14]["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(100), &json!(50)));
    let arguments = joined(events.iter().map(|event| event["delta"]["partial_json"].clone()));
    assert!(serde_json::from_str::<Value>(&arguments).unwrap().is_object());
}

#[tokio::test]
async fn chat_whole_counts_cached_tokens_as_input() {
    let answer = ask("/v1/chat/completions", r#"{"model":"gpt-x"}"#).await.json();
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    let usage = &answer["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(130), &json!(50)));
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 30);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 20);
}

#[tokio::test]
async fn chat_streamed_begins_with_the_role_and_ends_with_done() {
    let answer =
        ask("/v1/chat/completions", r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#)
            .await;
    let events = answer.events();
    assert!(events.iter().all(|(name, _)| name.is_none()));
    assert_eq!(events.last().unwrap().1, "[DONE]");
    let chunks = answer.data();
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let text = joined(chunks.iter().map(|chunk| chunk["choices"][0]["delta"]["content"].clone()));
    assert_eq!(text.len(), 30);
    let finishes = chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"].is_string()).count();
    assert_eq!(finishes, 1);
    let last = chunks.last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["prompt_tokens"]), (&json!([]), &json!(130)));
}

#[tokio::test]
async fn chat_streamed_reports_usage_only_when_asked() {
    let answer = ask("/v1/chat/completions", r#"{"model":"m","stream":true}"#).await;
    assert!(!answer.text().contains("usage"));
}

#[tokio::test]
async fn responses_streamed_adds_and_finishes_every_item() {
    let answer = ask("/v1/responses", r#"{"model":"gpt-x","stream":true}"#).await;
    let events = answer.data();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], index);
    }
    let kinds = kinds(&events);
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    assert_eq!(kinds.last(), Some(&"response.completed"));
    let done: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| &event["item"])
        .collect();
    let added = events.iter().filter(|event| event["type"] == "response.output_item.added").count();
    assert_eq!((added, done.len()), (3, 3));
    let last = &events.last().unwrap()["response"];
    let output: Vec<&Value> = last["output"].as_array().unwrap().iter().collect();
    assert_eq!(output, done, "the final object holds exactly the finished items");
    assert_eq!((&last["usage"]["input_tokens"], &last["usage"]["output_tokens"]), (&json!(130), &json!(50)));
    let text = joined(
        events.iter().filter(|e| e["type"] == "response.output_text.delta").map(|e| e["delta"].clone()),
    );
    assert_eq!(last["output"][1]["content"][0]["text"], text);
    assert_eq!(events[0]["response"]["id"], last["id"]);
}

#[tokio::test]
async fn responses_whole_is_the_object_that_a_stream_ends_with() {
    let whole = ask("/v1/responses", r#"{"model":"gpt-x"}"#).await.json();
    let streamed = ask("/v1/responses", r#"{"model":"gpt-x","stream":true}"#).await.data();
    let strip = |value: &Value| {
        value.to_string().replace(value["id"].as_str().unwrap().trim_start_matches("resp_"), "")
    };
    assert_eq!(strip(&whole), strip(&streamed.last().unwrap()["response"]));
}

#[tokio::test]
async fn gemini_streams_bare_data_lines() {
    let answer = ask("/v1beta/models/gemini-x:streamGenerateContent?alt=sse", r#"{"contents":[]}"#).await;
    for line in answer.text().split("\r\n") {
        assert!(line.is_empty() || line.starts_with("data: {"), "{line}");
    }
    assert!(answer.text().ends_with("\r\n\r\n"));
    let chunks = answer.data();
    let last = chunks.last().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(last["modelVersion"], "gemini-x");
    let usage = &last["usageMetadata"];
    assert_eq!((&usage["promptTokenCount"], &usage["cachedContentTokenCount"]), (&json!(130), &json!(30)));
    assert_eq!((&usage["candidatesTokenCount"], &usage["thoughtsTokenCount"]), (&json!(30), &json!(20)));
    assert_eq!(usage["totalTokenCount"], 180);
}

#[tokio::test]
async fn gemini_without_sse_streams_one_json_array() {
    let answer = ask("/v1/models/gemini-x:streamGenerateContent", r#"{"contents":[]}"#).await;
    assert!(answer.head.contains("content-type: application/json"));
    let chunks = answer.json();
    let chunks = chunks.as_array().unwrap();
    assert_eq!(chunks.len(), 6, "a thought, three texts, a call, the end");
    assert!(chunks.last().unwrap()["candidates"][0]["finishReason"].is_string());
}

#[tokio::test]
async fn code_assist_wraps_the_gemini_answer() {
    let whole = ask("/v1internal:generateContent", r#"{"model":"gemini-x","request":{}}"#).await.json();
    assert_eq!(whole["response"]["modelVersion"], "gemini-x");
    assert!(whole["traceId"].is_string());
    let chunks =
        ask("/v1internal:streamGenerateContent?alt=sse", r#"{"model":"gemini-x","request":{}}"#).await.data();
    assert!(chunks.iter().all(|chunk| chunk["response"]["candidates"].is_array()));
}

#[tokio::test]
async fn tokens_are_counted_in_each_dialects_words() {
    let answer = ask("/v1/messages/count_tokens", r#"{"model":"m"}"#).await;
    assert_eq!(answer.json(), json!({"input_tokens": 140}));
    let answer = ask("/v1beta/models/m:countTokens", "{}").await;
    assert_eq!(answer.json(), json!({"totalTokens": 140}));
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let lab = lab().await;
    let first = post(&lab, "/v1/messages", "", r#"{"model":"m"}"#).await.json();
    let second = post(&lab, "/v1/messages", "", r#"{"model":"m"}"#).await.json();
    assert_ne!(first["id"], second["id"]);
    assert_eq!(first["content"], second["content"]);
    lab.stop().await;
}

#[tokio::test]
async fn large_answers_have_the_size_asked_for() {
    let lab = lab().await;
    let whole = post(&lab, "/v1/messages", "body_bytes=3000000;unicode", r#"{"model":"m"}"#).await;
    assert!(whole.whole);
    let text = whole.json()["content"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(text.len(), 3_000_000);
    let body = r#"{"model":"m","stream":true}"#;
    let streamed = post(&lab, "/v1/messages", "body_bytes=3000000;unicode;chunks=40", body).await;
    assert_eq!(joined(streamed.data().iter().map(|event| event["delta"]["text"].clone())), text);
    lab.stop().await;
}

#[tokio::test]
async fn other_calls_tell_what_they_received() {
    let answer = ask("/v1/embeddings", r#"{"model":"e","input":"x"}"#).await.json();
    assert_eq!((&answer["model"], &answer["received_bytes"]), (&json!("e"), &json!(25)));
}

#[tokio::test]
async fn a_tools_arguments_can_be_chosen_in_every_dialect() {
    let script = r#"{"tool_call":true,"tool_name":"sum","tool_arguments":"{\"a\":1,\"b\":[\"e\"]}"}"#;
    let expected = json!({"a": 1, "b": ["e"]});
    let lab = lab().await;
    for (path, at) in [
        ("/v1/messages", "/content/1/input"),
        ("/v1/chat/completions", "/choices/0/message/tool_calls/0/function/arguments"),
        ("/v1/responses", "/output/1/arguments"),
        ("/v1beta/models/m:generateContent", "/candidates/0/content/parts/1/functionCall/args"),
    ] {
        let answer = post(&lab, path, script, r#"{"model":"m"}"#).await.json();
        let arguments = answer.pointer(at).unwrap_or_else(|| panic!("{at} in {answer}"));
        let arguments =
            arguments.as_str().map_or_else(|| arguments.clone(), |text| serde_json::from_str(text).unwrap());
        assert_eq!(arguments, expected, "{path}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn an_errand_goes_to_the_shell_and_ends_with_what_came_back() {
    let lab = lab().await;
    let ask = r#"{"model":"m","stream":true,"tools":[{"name":"Bash"}],"messages":[]}"#;
    let events = post(&lab, "/v1/messages", "errand=w7", ask).await.data();
    assert!(events.iter().any(|event| event["content_block"]["name"] == "Bash"));
    assert!(!joined(events.iter().map(|event| event["delta"]["text"].clone())).contains("w7"));

    let told = r#"{"model":"m","tools":[{"name":"Bash"}],"messages":[{"content":"errand-w7"}]}"#;
    let answer = post(&lab, "/v1/messages", "errand=w7", told).await.json();
    assert_eq!(
        (answer["content"].as_array().unwrap().len(), &answer["stop_reason"]),
        (1, &json!("end_turn"))
    );
    assert!(answer["content"][0]["text"].as_str().unwrap().contains("errand-w7"));
    lab.stop().await;
}
