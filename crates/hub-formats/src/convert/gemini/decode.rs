//! Reading a Gemini client's request: all but contents and tools. Both spellings of every member are read.

use hub_types::Dialect;

use super::decode_parts::Contents;
use super::decode_tools::tools;
use crate::convert::fields::{Fields, NO_COUNTERPART, want_object};
use crate::convert::ir::{Output, Part, Request, Thinking};
use crate::convert::json::Json;
use crate::convert::level::Level;
use crate::convert::loss::LossReport;
use crate::convert::refusal::Refusal;
use crate::convert::schema;

const FIELDS: Fields = Fields {
    read: &[
        "model",
        "contents",
        "systemInstruction",
        "system_instruction",
        "tools",
        "toolConfig",
        "tool_config",
        "generationConfig",
        "generation_config",
        "serviceTier",
        "service_tier",
        "session_id",
        "sessionId",
    ],
    lost: &[
        ("safetySettings", "safety_settings"),
        ("safety_settings", "safety_settings"),
        ("labels", "labels"),
        ("store", "store"),
    ],
    refused: &["cachedContent", "cached_content"],
};

const CONFIG: Fields = Fields {
    read: &[
        "maxOutputTokens",
        "max_output_tokens",
        "temperature",
        "topP",
        "top_p",
        "topK",
        "top_k",
        "stopSequences",
        "stop_sequences",
        "seed",
        "presencePenalty",
        "presence_penalty",
        "frequencyPenalty",
        "frequency_penalty",
        "candidateCount",
        "candidate_count",
        "responseMimeType",
        "response_mime_type",
        "responseSchema",
        "response_schema",
        "responseJsonSchema",
        "response_json_schema",
        "thinkingConfig",
        "thinking_config",
        "responseLogprobs",
        "response_logprobs",
        "logprobs",
        "responseModalities",
        "response_modalities",
    ],
    lost: &[
        ("mediaResolution", "media_resolution"),
        ("media_resolution", "media_resolution"),
        ("audioTimestamp", "audio_timestamp"),
        ("audio_timestamp", "audio_timestamp"),
        ("routingConfig", "routing_config"),
        ("routing_config", "routing_config"),
    ],
    refused: &["speechConfig", "speech_config", "imageConfig", "image_config"],
};

/// `model` and `stream` stand in the path; the caller fills them in.
pub(crate) fn decode<'a>(
    body: &Json<'a>,
    wrapped: bool,
    losses: &mut LossReport,
) -> Result<Request<'a>, Refusal> {
    want_object(body)?;
    let dialect = if wrapped { Dialect::GeminiCli } else { Dialect::Gemini };
    let mut request = Request::new(dialect);
    request.model = body.text_at("model").unwrap_or_default();
    let body = if wrapped {
        body.get("request").ok_or_else(|| Refusal::invalid("request", "`request` must be an object"))?
    } else {
        body
    };
    want_object(body)?;
    FIELDS.account(body, losses)?;
    if let Some(system) = body.either("systemInstruction", "system_instruction") {
        let parts = Contents::default().parts(system, losses)?;
        request.system.extend(system.text());
        request.system.extend(parts.into_iter().filter_map(|part| match part {
            Part::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }));
    }
    let Some(list) = body.get("contents").and_then(Json::arr) else {
        return Err(Refusal::invalid("contents", "`contents` must be a list"));
    };
    let mut contents = Contents::default();
    for content in list {
        contents.add(content, losses)?;
    }
    request.turns = contents.turns;
    tools(body, &mut request, losses);
    if let Some(config) = body.either("generationConfig", "generation_config") {
        CONFIG.account(config, losses)?;
        self::config(config, &mut request)?;
    }
    request.tier = body.either("serviceTier", "service_tier").and_then(Json::text);
    Ok(request)
}

fn config<'a>(config: &Json<'a>, request: &mut Request<'a>) -> Result<(), Refusal> {
    let number = |camel: &str, snake: &str| config.either(camel, snake).and_then(Json::num);
    let count = config.either("candidateCount", "candidate_count").and_then(Json::u64);
    request.answers = count.filter(|n| *n > 1).map(|n| (n, "generationConfig.candidateCount"));
    let modalities = config.either("responseModalities", "response_modalities");
    let not_text = |word: &Json<'_>| word.str().is_some_and(|word| !word.eq_ignore_ascii_case("text"));
    if modalities.is_some_and(|words| words.items().iter().any(not_text)) {
        return Err(Refusal::unsupported("generationConfig.responseModalities", NO_COUNTERPART));
    }
    request.max_output = config.either("maxOutputTokens", "max_output_tokens").and_then(Json::u64);
    let sampling = &mut request.sampling;
    sampling.temperature = number("temperature", "temperature");
    sampling.top_p = number("topP", "top_p");
    sampling.top_k = number("topK", "top_k");
    sampling.seed = number("seed", "seed");
    sampling.presence = number("presencePenalty", "presence_penalty");
    sampling.frequency = number("frequencyPenalty", "frequency_penalty");
    sampling.logprobs = config.either("responseLogprobs", "response_logprobs").and_then(Json::bool);
    sampling.top_logprobs = number("logprobs", "logprobs");
    let stop = config.either("stopSequences", "stop_sequences");
    request.stop = stop.map(Json::items).unwrap_or_default().iter().filter_map(Json::text).collect();
    let schema = config
        .either("responseSchema", "response_schema")
        .map(|schema| schema::from_openapi(schema.clone()))
        .or_else(|| config.either("responseJsonSchema", "response_json_schema").cloned());
    let mime = config.either("responseMimeType", "response_mime_type").and_then(Json::str);
    if let Some(schema) = schema {
        request.output = Output::Schema { name: None, description: None, schema, strict: None };
    } else if mime == Some("application/json") {
        request.output = Output::Object;
    }
    if let Some(thinking) = config.either("thinkingConfig", "thinking_config") {
        request.show_thoughts = thinking.either("includeThoughts", "include_thoughts").and_then(Json::bool);
        let level = thinking.either("thinkingLevel", "thinking_level").and_then(Json::str);
        let budget = thinking.either("thinkingBudget", "thinking_budget");
        request.thinking = match (level.and_then(Level::named), budget) {
            (Some(level), _) => Thinking::Level(level),
            (None, Some(budget)) => match budget.u64() {
                Some(0) => Thinking::Off,
                Some(tokens) => Thinking::Budget(tokens),
                // -1: as much as the model likes
                None => Thinking::Level(Level::High),
            },
            (None, None) => Thinking::Unset,
        };
    }
    Ok(())
}
