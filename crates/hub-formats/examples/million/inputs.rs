//! Requests and answers that are nearly real, and JSON out of the words that conversion looks for.

use hub_types::Dialect;
use serde_json::{Map, Value, json};

use super::random::Random;

/// Words of all dialects.
pub(crate) const WORDS: [&str; 104] = [
    "messages",
    "contents",
    "input",
    "role",
    "user",
    "assistant",
    "system",
    "developer",
    "tool",
    "model",
    "content",
    "parts",
    "type",
    "text",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "tool_calls",
    "tool_call_id",
    "function",
    "custom",
    "namespace",
    "additional_tools",
    "local_shell",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
    "functionCall",
    "functionResponse",
    "name",
    "id",
    "arguments",
    "args",
    "index",
    "delta",
    "choices",
    "candidates",
    "finish_reason",
    "finishReason",
    "STOP",
    "stop",
    "message_start",
    "message_delta",
    "message_stop",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "content_block",
    "input_json_delta",
    "partial_json",
    "text_delta",
    "thinking_delta",
    "signature_delta",
    "response",
    "response.completed",
    "output",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "item",
    "function_call",
    "custom_tool_call",
    "function_call_output",
    "call_id",
    "output_index",
    "error",
    "message",
    "usage",
    "usageMetadata",
    "request",
    "tools",
    "schema",
    "input_schema",
    "parameters",
    "parametersJsonSchema",
    "properties",
    "$ref",
    "#",
    "#/properties/a",
    "$defs",
    "anyOf",
    "oneOf",
    "allOf",
    "enum",
    "items",
    "required",
    "thinking",
    "redacted_thinking",
    "signature",
    "encrypted_content",
    "reasoning",
    "summary",
    "stop_reason",
    "tool_choice",
    "allowed_tools",
    "functionDeclarations",
    "generationConfig",
    "thoughtSignature",
    "thought",
    "logprobs",
    "annotations",
    "cache_control",
    "image",
    "image_url",
];

pub(crate) const MODELS: [&str; 8] = [
    "claude-opus-5-5",
    "claude-sonnet-4-5",
    "gpt-4o",
    "gpt-5.6",
    "gpt-5",
    "gemini-3-pro",
    "gemini-2.5-flash",
    "unknown",
];

/// What real clients and providers send.
pub(crate) struct Samples {
    requests: Vec<(Dialect, Value)>,
    /// Events of answers, without their `data: `.
    answers: Vec<(Dialect, Vec<(String, String)>)>,
}

impl Samples {
    pub(crate) fn new() -> Self {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let gemini = parse(include_str!("../../tests/requests/gemini.json"));
        let requests = vec![
            (Dialect::Claude, parse(include_str!("../../tests/requests/claude.json"))),
            (Dialect::OpenAi, parse(include_str!("../../tests/requests/openai.json"))),
            (Dialect::Responses, parse(include_str!("../../tests/requests/responses.json"))),
            (Dialect::GeminiCli, json!({"model": "gemini-x", "request": gemini})),
            (Dialect::Gemini, gemini),
        ];
        let gemini = events(include_str!("../../tests/answers/gemini.sse"));
        let wrapped = gemini
            .iter()
            .map(|(name, data)| (name.clone(), format!("{{\"response\":{data},\"traceId\":\"t\"}}")));
        let answers = vec![
            (Dialect::Claude, events(include_str!("../../tests/answers/claude.sse"))),
            (Dialect::OpenAi, events(include_str!("../../tests/answers/openai.sse"))),
            (Dialect::Responses, events(include_str!("../../tests/answers/responses.sse"))),
            (Dialect::GeminiCli, wrapped.collect()),
            (Dialect::Gemini, gemini),
        ];
        Self { requests, answers }
    }

    /// A request and the dialect that it is, more or less, written in.
    pub(crate) fn request(&self, random: &mut Random) -> (Dialect, Vec<u8>) {
        if random.once_in(4) {
            let key = *random.pick(&WORDS);
            let inner = any(random, 5);
            let body = json!({ key: inner, "messages": any(random, 5), "input": any(random, 5),
                "contents": any(random, 5), "request": {"contents": any(random, 5)}, "tools": any(random, 5) });
            return (*random.pick(&Dialect::ALL), body.to_string().into_bytes());
        }
        let (dialect, body) = random.pick(&self.requests);
        let mut body = body.clone();
        for _ in 0..=random.below(6) {
            mutate(&mut body, random);
        }
        let mut bytes = body.to_string().into_bytes();
        if random.once_in(8) {
            damage(&mut bytes, random);
        }
        (*dialect, bytes)
    }

    /// An answer, stream or body, and the dialect that it is, more or less, written in.
    pub(crate) fn answer(&self, random: &mut Random) -> (Dialect, Vec<u8>) {
        let (dialect, events) = random.pick(&self.answers);
        let mut events = events.clone();
        for _ in 0..random.below(5) {
            let (at, other) = (random.below(events.len()), random.below(events.len()));
            match random.below(7) {
                0 => events.swap(at, other),
                1 if events.len() > 1 => drop(events.remove(at)),
                2 => events.insert(at, events[other].clone()),
                3 => events.insert(at, (String::new(), any(random, 5).to_string())),
                4 => events.truncate(at + 1),
                _ => {
                    if let Ok(mut data) = serde_json::from_str(&events[at].1) {
                        mutate(&mut data, random);
                        events[at].1 = data.to_string();
                    }
                }
            }
        }
        let mut bytes = match random.below(12) {
            // As a list, as Gemini streams without `alt=sse`; or one event as a body.
            0 => {
                format!("[{}]", events.iter().map(|(_, data)| data.as_str()).collect::<Vec<_>>().join(",\n"))
            }
            1 => random.pick(&events).1.clone(),
            _ => stream(&events, random.below(3)),
        }
        .into_bytes();
        if random.once_in(8) {
            damage(&mut bytes, random);
        }
        (*dialect, bytes)
    }
}

fn events(stream: &str) -> Vec<(String, String)> {
    let lines = |event: &str, field: &str| {
        event.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default().to_owned()
    };
    let blocks = stream.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks.map(|event| (lines(event, "event: "), lines(event, "data: "))).collect()
}

fn stream(events: &[(String, String)], style: usize) -> String {
    let (end, space) = [("\n", " "), ("\r\n", ""), ("\r", " ")][style];
    events.iter().fold(String::new(), |all, (name, data)| {
        let name = if name.is_empty() { String::new() } else { format!("event:{space}{name}{end}") };
        format!("{all}{name}data:{space}{data}{end}{end}")
    })
}

/// Any JSON, nested at most `depth` deep.
fn any(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 6 } else { 10 }) {
        0 => Value::Null,
        1 => json!(random.once_in(2)),
        2 => [json!(-1), json!(0), json!(9_007_199_254_740_993_u64), json!(1e300)][random.below(4)].clone(),
        3 => json!("é漢😀\u{2028}\n\"\\\u{1}".repeat(random.below(3))),
        4 | 5 => json!(*random.pick(&WORDS)),
        6 | 7 => (0..random.below(5)).map(|_| any(random, depth - 1)).collect(),
        _ => {
            let members =
                (0..random.below(6)).map(|_| ((*random.pick(&WORDS)).to_owned(), any(random, depth - 1)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// Changes one thing somewhere.
fn mutate(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            let at = random.below(object.len());
            let Some(key) = object.keys().nth(at).cloned() else { return };
            match random.below(12) {
                0 => drop(object.remove(&key)),
                1 => {
                    let inner = object.remove(&key).unwrap_or_default();
                    object.insert((*random.pick(&WORDS)).to_owned(), inner);
                }
                2 => drop(object.insert((*random.pick(&WORDS)).to_owned(), any(random, 4))),
                3 => drop(object.insert(key, any(random, 4))),
                _ => {
                    if let Some(inner) = object.get_mut(&key) {
                        mutate(inner, random);
                    }
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let (at, other) = (random.below(items.len()), random.below(items.len()));
            match random.below(10) {
                0 => items.swap(at, other),
                1 => drop(items.remove(at)),
                2 => items.extend(vec![items[at].clone(); random.below(20)]),
                3 => items.insert(at, any(random, 4)),
                _ => mutate(&mut items[at], random),
            }
        }
        Value::String(text) if random.once_in(2) => {
            *text = match random.below(4) {
                0 => text.repeat(random.below(50)),
                1 => text.chars().rev().collect(),
                2 => String::new(),
                _ => (*random.pick(&WORDS)).to_owned(),
            }
        }
        _ => *value = any(random, 4),
    }
}

/// Breaks bytes.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            return;
        }
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes.truncate(at),
            1 => bytes[at] = random.next().to_le_bytes()[0],
            2 => bytes.insert(at, *random.pick(b"\"{}[]:,\\\n\r u0")),
            _ => {
                let end = (at + random.below(40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}
