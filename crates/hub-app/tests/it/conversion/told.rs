//! What a client of each dialect reads out of an answer, with readers of their own.

use hub_types::Dialect;
use serde_json::Value;

/// An answer, understood.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) text: String,
    pub(super) thoughts: String,
    /// Id, name and arguments.
    pub(super) calls: Vec<(String, String, Value)>,
    /// `stop`, `tool`, `length`, `filter`.
    pub(super) stop: String,
    /// All input, all output, and what of the input came out of a cache.
    pub(super) usage: [u64; 3],
    /// The message of an error in the stream.
    pub(super) error: Option<String>,
}

/// The data of all events.
pub(super) fn events(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

pub(super) fn read(dialect: Dialect, stream: bool, body: &[u8]) -> Told {
    let parts = if stream { events(body) } else { vec![serde_json::from_slice(body).unwrap()] };
    let mut told = Told::default();
    let mut arguments: Vec<String> = Vec::new();
    for part in &parts {
        if let Some(error) = part.get("error").filter(|error| error.is_object()) {
            told.error = Some(text(&error["message"]));
            continue;
        }
        match dialect {
            Dialect::Claude => claude(part, &mut told, &mut arguments),
            Dialect::OpenAi => chat(part, &mut told, &mut arguments),
            Dialect::Responses => responses(part, &mut told),
            Dialect::Gemini => gemini(part, &mut told),
            Dialect::GeminiCli => gemini(&part["response"], &mut told),
        }
    }
    for (call, arguments) in told.calls.iter_mut().zip(arguments) {
        if !arguments.is_empty() {
            call.2 = serde_json::from_str(&arguments).unwrap();
        }
    }
    told
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn claude(part: &Value, told: &mut Told, arguments: &mut Vec<String>) {
    let mut block = |block: &Value| match block["type"].as_str().unwrap() {
        "text" => told.text += block["text"].as_str().unwrap(),
        "thinking" => told.thoughts += block["thinking"].as_str().unwrap(),
        "tool_use" => {
            told.calls.push((text(&block["id"]), text(&block["name"]), block["input"].clone()));
            arguments.push(String::new());
        }
        _ => {}
    };
    match part["type"].as_str().unwrap() {
        "message" => part["content"].as_array().unwrap().iter().for_each(&mut block),
        "content_block_start" => block(&part["content_block"]),
        "content_block_delta" => {
            let delta = &part["delta"];
            told.text += &text(&delta["text"]);
            told.thoughts += &text(&delta["thinking"]);
            if let Some(piece) = delta["partial_json"].as_str() {
                *arguments.last_mut().unwrap() += piece;
            }
        }
        _ => {}
    }
    let reason = [&part["stop_reason"], &part["delta"]["stop_reason"]].into_iter().find_map(Value::as_str);
    if let Some(reason) = reason {
        told.stop = match reason {
            "end_turn" => "stop",
            "tool_use" => "tool",
            "max_tokens" => "length",
            "refusal" => "filter",
            other => other,
        }
        .to_owned();
        let usage = &part["usage"];
        let cached = number(&usage["cache_read_input_tokens"]);
        let written = number(&usage["cache_creation_input_tokens"]);
        told.usage =
            [number(&usage["input_tokens"]) + cached + written, number(&usage["output_tokens"]), cached];
    }
}

fn chat(part: &Value, told: &mut Told, arguments: &mut Vec<String>) {
    let choice = &part["choices"][0];
    for said in [&choice["message"], &choice["delta"]] {
        told.text += &text(&said["content"]);
        told.thoughts += &text(&said["reasoning_content"]);
        for call in said["tool_calls"].as_array().into_iter().flatten() {
            if let Some(id) = call["id"].as_str() {
                told.calls.push((id.to_owned(), text(&call["function"]["name"]), Value::Null));
                arguments.push(String::new());
            }
            *arguments.last_mut().unwrap() += call["function"]["arguments"].as_str().unwrap_or_default();
        }
    }
    if let Some(reason) = choice["finish_reason"].as_str() {
        told.stop = match reason {
            "tool_calls" => "tool",
            "content_filter" => "filter",
            other => other,
        }
        .to_owned();
    }
    let usage = &part["usage"];
    if usage.is_object() {
        let cached = number(&usage["prompt_tokens_details"]["cached_tokens"]);
        told.usage = [number(&usage["prompt_tokens"]), number(&usage["completion_tokens"]), cached];
    }
}

fn responses(part: &Value, told: &mut Told) {
    let response = match part["type"].as_str() {
        None => part,
        Some("response.completed" | "response.incomplete" | "response.failed") => &part["response"],
        Some(_) => return,
    };
    for item in response["output"].as_array().into_iter().flatten() {
        let parts = |key: &str| item[key].as_array().cloned().unwrap_or_default();
        match item["type"].as_str().unwrap() {
            "message" => parts("content").iter().for_each(|part| told.text += &text(&part["text"])),
            "reasoning" => parts("summary").iter().for_each(|part| told.thoughts += &text(&part["text"])),
            "function_call" => {
                let arguments = serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap();
                told.calls.push((text(&item["call_id"]), text(&item["name"]), arguments));
            }
            _ => {}
        }
    }
    told.error = response["error"]["message"].as_str().map(str::to_owned);
    told.stop = match response["status"].as_str().unwrap() {
        "completed" if told.calls.is_empty() => "stop",
        "completed" => "tool",
        "incomplete" if response["incomplete_details"]["reason"] == "content_filter" => "filter",
        "incomplete" => "length",
        other => other,
    }
    .to_owned();
    let usage = &response["usage"];
    let cached = number(&usage["input_tokens_details"]["cached_tokens"]);
    told.usage = [number(&usage["input_tokens"]), number(&usage["output_tokens"]), cached];
}

fn gemini(part: &Value, told: &mut Told) {
    let candidate = &part["candidates"][0];
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        let said = if part["thought"] == true { &mut told.thoughts } else { &mut told.text };
        *said += &text(&part["text"]);
        if let Some(call) = part.get("functionCall") {
            told.calls.push((text(&call["id"]), text(&call["name"]), call["args"].clone()));
        }
    }
    if let Some(reason) = candidate["finishReason"].as_str() {
        told.stop = match reason {
            "STOP" if told.calls.is_empty() => "stop",
            "STOP" => "tool",
            "MAX_TOKENS" => "length",
            "SAFETY" => "filter",
            other => other,
        }
        .to_owned();
    }
    let usage = &part["usageMetadata"];
    if usage.is_object() {
        let output = number(&usage["candidatesTokenCount"]) + number(&usage["thoughtsTokenCount"]);
        told.usage = [number(&usage["promptTokenCount"]), output, number(&usage["cachedContentTokenCount"])];
    }
}
