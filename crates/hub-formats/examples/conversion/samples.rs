//! A conversation of an agent, and answers of each provider.

use hub_formats::convert::{AnswerPlan, Source, Target, convert_request};
use hub_types::Dialect;
use serde_json::{Value, json};

/// Deltas of an answer: half of them text, half of them arguments of a call.
pub(crate) const DELTAS: usize = 200;

pub(crate) const MODELS: [(Dialect, &str); 5] = [
    (Dialect::Claude, "claude-opus-5-5"),
    (Dialect::OpenAi, "gpt-4o"),
    (Dialect::Responses, "gpt-5.6"),
    (Dialect::Gemini, "gemini-3-pro"),
    (Dialect::GeminiCli, "gemini-2.5-pro"),
];

pub(crate) fn source(dialect: Dialect, body: &[u8]) -> Source<'_> {
    let path_model = (dialect == Dialect::Gemini).then_some("gemini-x");
    Source { dialect, body, path_model, path_stream: true }
}

fn model(dialect: Dialect) -> &'static str {
    MODELS.iter().find(|(other, _)| *other == dialect).map_or("m", |(_, model)| model)
}

/// A request of `dialect` with tools and rounds of calls and results, about `bytes` long.
pub(crate) fn body_of(dialect: Dialect, bytes: usize) -> Vec<u8> {
    let text = include_str!("../../tests/samples/english/instructions.md.txt");
    let code = include_str!("../../tests/samples/code/splice.rs.txt");
    let piece = |text: &str, from: usize, len: usize| -> String {
        text.chars().cycle().skip(from % text.len()).take(len).collect()
    };
    let tools: Vec<Value> = (0..12)
        .map(|at| {
            json!({"name": format!("tool_{at}"), "description": piece(text, at * 300, 700), "input_schema": {
                "type": "object", "required": ["path"], "additionalProperties": false, "properties": {
                    "path": {"type": "string", "description": piece(text, at * 90, 120)},
                    "mode": {"type": "string", "enum": ["read", "write"]},
                    "lines": {"type": "array", "items": {"type": "integer", "minimum": 1}}}}})
        })
        .collect();
    let mut body = json!({"model": "m", "max_tokens": 4096, "stream": true, "tools": tools,
        "system": piece(text, 0, 4000), "messages": []});
    let mut messages: Vec<Value> = Vec::new();
    let mut size = body.to_string().len();
    for round in 0.. {
        if size >= bytes {
            break;
        }
        let id = format!("toolu_{round}");
        let input = json!({"path": format!("src/file_{round}.rs"), "old": piece(code, round * 70, 500),
            "lines": [round, 9_007_199_254_740_993_u64]});
        let turns = [
            json!({"role": "user", "content": [{"type": "text", "text": piece(text, round * 50, 300)}]}),
            json!({"role": "assistant", "content": [{"type": "text", "text": piece(text, round * 31, 200)},
                {"type": "tool_use", "id": id, "name": format!("tool_{}", round % 12), "input": input}]}),
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id,
                "content": [{"type": "text", "text": piece(code, round * 997, 3000)}]}]}),
        ];
        size += turns.iter().map(|turn| turn.to_string().len() + 1).sum::<usize>();
        messages.extend(turns);
    }
    if let Some(list) = body.get_mut("messages") {
        *list = messages.into();
    }
    let body = body.to_string().into_bytes();
    if dialect == Dialect::Claude {
        return body;
    }
    let target = Target::new(dialect, model(dialect));
    convert_request(source(Dialect::Claude, &body), &target).map_or_else(|_| Vec::new(), |done| done.body)
}

/// What is remembered of a request of `client` to a provider of `upstream`.
pub(crate) fn plan(client: Dialect, upstream: Dialect) -> AnswerPlan {
    let body = body_of(client, 0);
    let target = Target::new(upstream, model(upstream));
    #[expect(clippy::expect_used, reason = "an example may end here")]
    let mut plan = convert_request(source(client, &body), &target).expect("a plain request").plan;
    "salt".clone_into(&mut plan.salt);
    plan
}

/// The events of an answer, each with its blank line.
pub(crate) fn events_of(upstream: Dialect) -> Vec<Vec<u8>> {
    let text = include_str!("../../tests/samples/english/instructions.md.txt");
    let chars: Vec<char> = text.chars().collect();
    let pieces = chars.chunks(18).cycle().map(|piece| piece.iter().collect::<String>());
    let pieces: Vec<String> = pieces.take(DELTAS / 2).collect();
    let arguments = pieces.iter().map(|piece| piece.replace(['"', '\\', '\n'], " "));
    let arguments: Vec<String> = arguments.collect();
    match upstream {
        Dialect::Claude => claude(&pieces, &arguments),
        Dialect::OpenAi => chat(&pieces, &arguments),
        Dialect::Responses => responses(&pieces, &arguments),
        Dialect::Gemini => gemini(&pieces, &arguments).iter().map(|chunk| event(None, chunk)).collect(),
        Dialect::GeminiCli => gemini(&pieces, &arguments)
            .iter()
            .map(|chunk| event(None, &json!({"response": chunk, "traceId": "t"})))
            .collect(),
    }
}

fn event(name: Option<&str>, data: &Value) -> Vec<u8> {
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n").into_bytes()
}

fn named(data: &Value) -> Vec<u8> {
    event(data.get("type").and_then(Value::as_str), data)
}

fn claude(pieces: &[String], arguments: &[String]) -> Vec<Vec<u8>> {
    let usage = json!({"input_tokens": 100, "cache_read_input_tokens": 5, "output_tokens": 1});
    let delta =
        |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let mut events = vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    events.extend(pieces.iter().map(|piece| delta(0, json!({"type": "text_delta", "text": piece}))));
    events.push(json!({"type": "content_block_stop", "index": 0}));
    events.push(json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use",
        "id": "toolu_1", "name": "tool_1", "input": {}}}));
    let part = |text: &str| delta(1, json!({"type": "input_json_delta", "partial_json": text}));
    events.push(part("{\"text\":\""));
    events.extend(arguments.iter().map(|piece| part(piece)));
    events.push(part("\"}"));
    events.push(json!({"type": "content_block_stop", "index": 1}));
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
        "usage": {"output_tokens": 400}}));
    events.push(json!({"type": "message_stop"}));
    events.iter().map(named).collect()
}

fn chat(pieces: &[String], arguments: &[String]) -> Vec<Vec<u8>> {
    let chunk = |delta: Value, finish: Option<&str>| {
        event(
            None,
            &json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": "gpt-4o", "system_fingerprint": "fp_1", "choices": [{"index": 0, "delta": delta,
            "logprobs": null, "finish_reason": finish}]}),
        )
    };
    let call = |call: Value| chunk(json!({"tool_calls": [call]}), None);
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    events.extend(pieces.iter().map(|piece| chunk(json!({"content": piece}), None)));
    events.push(call(json!({"index": 0, "id": "call_1", "type": "function",
        "function": {"name": "tool_1", "arguments": ""}})));
    let part = |text: &str| call(json!({"index": 0, "function": {"arguments": text}}));
    events.push(part("{\"text\":\""));
    events.extend(arguments.iter().map(|piece| part(piece)));
    events.push(part("\"}"));
    events.push(chunk(json!({}), Some("tool_calls")));
    events.push(event(
        None,
        &json!({"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 100,
        "completion_tokens": 400, "total_tokens": 500}}),
    ));
    events.push(b"data: [DONE]\n\n".to_vec());
    events
}

fn responses(pieces: &[String], arguments: &[String]) -> Vec<Vec<u8>> {
    let text = pieces.concat();
    let input = format!("{{\"text\":\"{}\"}}", arguments.concat());
    let message = json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]});
    let call = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "tool_1",
        "arguments": input, "status": "completed"});
    let begun = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "tool_1",
        "arguments": "", "status": "in_progress"});
    let response = |status: &str, output: Value| {
        json!({"id": "resp_1", "object": "response", "status": status,
        "model": "gpt-5.6", "output": output, "usage": {"input_tokens": 100, "output_tokens": 400,
        "total_tokens": 500}})
    };
    let mut events = vec![
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "msg_1",
            "status": "in_progress", "role": "assistant", "content": []}}),
    ];
    events.extend(pieces.iter().zip(0..).map(|(piece, at)| {
        json!({"type": "response.output_text.delta",
        "sequence_number": at, "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": piece,
        "logprobs": []})
    }));
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": message}));
    events.push(json!({"type": "response.output_item.added", "output_index": 1, "item": begun}));
    let part = |text: &str| {
        json!({"type": "response.function_call_arguments.delta", "sequence_number": 7,
        "item_id": "fc_1", "output_index": 1, "delta": text})
    };
    events.push(part("{\"text\":\""));
    events.extend(arguments.iter().map(|piece| part(piece)));
    events.push(part("\"}"));
    events.push(json!({"type": "response.output_item.done", "output_index": 1, "item": call}));
    let whole = response("completed", json!([message, call]));
    events.push(json!({"type": "response.completed", "response": whole}));
    events.iter().map(named).collect()
}

/// All of it is text: calls come whole.
fn gemini(pieces: &[String], arguments: &[String]) -> Vec<Value> {
    let chunk = |parts: Value, finish: Option<&str>| {
        let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(finish);
        }
        json!({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 400,
            "totalTokenCount": 500}, "modelVersion": "gemini-3-pro", "responseId": "r1"})
    };
    let texts = pieces.iter().chain(arguments);
    let mut chunks: Vec<Value> = texts.map(|piece| chunk(json!([{"text": piece}]), None)).collect();
    let input = arguments.concat();
    chunks.push(chunk(json!([{"functionCall": {"name": "tool_1", "args": {"text": input}}}]), None));
    chunks.push(chunk(json!([{"text": ""}]), Some("STOP")));
    chunks
}
