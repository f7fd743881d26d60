//! Reading a Chat client's request: all but messages and tools.

use hub_types::Dialect;

use super::decode_messages::Messages;
use super::decode_tools::{choice, hosted, tools};
use crate::convert::fields::{Fields, NO_COUNTERPART, want_list, want_object};
use crate::convert::ir::{Output, Request};
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::openai::{read_effort, read_schema};
use crate::convert::refusal::Refusal;

const FIELDS: Fields = Fields {
    read: &[
        "model",
        "messages",
        "max_completion_tokens",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "verbosity",
        "stream",
        "stream_options",
        "user",
        "safety_identifier",
        "metadata",
        "prompt_cache_key",
        "service_tier",
        "n",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "modalities",
        "web_search_options",
    ],
    lost: &[
        ("prompt_cache_options", "cache_key"),
        ("prompt_cache_retention", "cache_key"),
        ("prediction", "prediction"),
        ("moderation", "moderation"),
        ("store", "store"),
    ],
    refused: &["audio"],
};

pub(crate) fn decode<'a>(body: &Json<'a>, losses: &mut LossReport) -> Result<Request<'a>, Refusal> {
    want_object(body)?;
    FIELDS.account(body, losses)?;
    let mut request = Request::new(Dialect::OpenAi);
    request.model = body.text_at("model").unwrap_or_default();
    request.stream = body.get("stream").and_then(Json::bool).unwrap_or(false);
    request.include_usage = body
        .get("stream_options")
        .and_then(|options| options.get("include_usage"))
        .and_then(Json::bool)
        .unwrap_or(false);
    request.answers = body.get("n").and_then(Json::u64).filter(|n| *n > 1).map(|n| (n, "n"));
    let wants_sound = |word: &Json<'_>| word.str().is_some_and(|word| word != "text");
    if body.get("modalities").is_some_and(|words| words.items().iter().any(wants_sound)) {
        return Err(Refusal::unsupported("modalities", NO_COUNTERPART));
    }
    let mut messages = Messages::default();
    for message in want_list(body, "messages")? {
        messages.add(message, losses)?;
    }
    (request.system, request.turns) = (messages.system, messages.turns);
    request.tools = tools(body, losses);
    request.hosted = hosted(body);
    choice(body, &mut request);
    request.parallel = body.get("parallel_tool_calls").and_then(Json::bool);
    request.max_output =
        body.get("max_completion_tokens").or_else(|| body.get("max_tokens")).and_then(Json::u64);
    let sampling = &mut request.sampling;
    sampling.temperature = body.get("temperature").and_then(Json::num);
    sampling.top_p = body.get("top_p").and_then(Json::num);
    sampling.top_k = body.get("top_k").and_then(Json::num);
    sampling.seed = body.get("seed").and_then(Json::num);
    sampling.presence = body.get("presence_penalty").and_then(Json::num);
    sampling.frequency = body.get("frequency_penalty").and_then(Json::num);
    sampling.logprobs = body.get("logprobs").and_then(Json::bool);
    sampling.top_logprobs = body.get("top_logprobs").and_then(Json::num);
    sampling.logit_bias = body.get("logit_bias").cloned();
    if let Some(stop) = body.get("stop") {
        request.stop.extend(stop.text());
        request.stop.extend(stop.items().iter().filter_map(Json::text));
    }
    request.thinking = read_effort(body.str_at("reasoning_effort"));
    if let Some(format) = body.get("response_format") {
        request.output = match format.kind() {
            "json_object" => Output::Object,
            "json_schema" => read_schema(format.get("json_schema").unwrap_or(&Json::Null)),
            _ => Output::Text,
        };
    }
    request.verbosity = body.text_at("verbosity");
    request.end_user = body.text_at("safety_identifier").or_else(|| body.text_at("user"));
    request.cache_key = body.text_at("prompt_cache_key");
    request.tier = body.text_at("service_tier");
    request.metadata = body.get("metadata").cloned();
    Ok(request)
}
