//! Reading a Responses client's request: all but items and tools.

use std::borrow::Cow;

use hub_types::Dialect;

use super::decode_items::Items;
use super::decode_tools::{Tools, choice};
use crate::convert::fields::{Fields, NO_COUNTERPART, want_object};
use crate::convert::ir::{Output, Part, Request, Role, Turn};
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::openai::{read_effort, read_schema};
use crate::convert::refusal::Refusal;

const FIELDS: Fields = Fields {
    read: &[
        "model",
        "input",
        "instructions",
        "max_output_tokens",
        "temperature",
        "top_p",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "stream",
        "stream_options",
        "user",
        "safety_identifier",
        "metadata",
        "prompt_cache_key",
        "service_tier",
        "top_logprobs",
        "store",
        "include",
    ],
    lost: &[
        ("prompt_cache_options", "cache_key"),
        ("prompt_cache_retention", "cache_key"),
        ("moderation", "moderation"),
        ("max_tool_calls", "max_tool_calls"),
        ("truncation", "truncation"),
        ("context_management", "context_management"),
        ("client_metadata", "metadata"),
    ],
    refused: &["previous_response_id", "conversation", "prompt", "background"],
};

pub(crate) fn decode<'a>(body: &Json<'a>, losses: &mut LossReport) -> Result<Request<'a>, Refusal> {
    want_object(body)?;
    FIELDS.account(body, losses)?;
    let mut request = Request::new(Dialect::Responses);
    request.model = body.text_at("model").unwrap_or_default();
    request.stream = body.get("stream").and_then(Json::bool).unwrap_or(false);
    request.system.extend(body.text_at("instructions").filter(|text| !text.is_empty()));
    let mut tools = Tools::default();
    for tool in body.get("tools").map(Json::items).unwrap_or_default() {
        tools.add(tool, losses);
    }
    input(body, &mut request, &mut tools, losses)?;
    (request.tools, request.hosted) = (tools.functions, tools.hosted);
    choice(body.get("tool_choice"), &mut request);
    request.parallel = body.get("parallel_tool_calls").and_then(Json::bool);
    request.max_output = body.get("max_output_tokens").and_then(Json::u64);
    request.sampling.temperature = body.get("temperature").and_then(Json::num);
    request.sampling.top_p = body.get("top_p").and_then(Json::num);
    request.sampling.top_logprobs = body.get("top_logprobs").and_then(Json::num).filter(|count| count != "0");
    if let Some(reasoning) = body.get("reasoning") {
        request.thinking = read_effort(reasoning.str_at("effort"));
        request.show_thoughts = match reasoning.str_at("summary") {
            Some("none") | None => None,
            Some(_) => Some(true),
        };
        for lost in ["context", "mode"] {
            if reasoning.get(lost).is_some() {
                losses.note_detail("unknown", &format!("reasoning.{lost}"));
            }
        }
    }
    if let Some(text) = body.get("text") {
        request.verbosity = text.text_at("verbosity");
        if let Some(format) = text.get("format") {
            request.output = match format.kind() {
                "json_object" => Output::Object,
                "json_schema" => read_schema(format),
                _ => Output::Text,
            };
        }
    }
    request.end_user = body.text_at("safety_identifier").or_else(|| body.text_at("user"));
    request.cache_key = body.text_at("prompt_cache_key");
    request.tier = body.text_at("service_tier");
    request.metadata = body.get("metadata").cloned();
    Ok(request)
}

fn input<'a>(
    body: &Json<'a>,
    request: &mut Request<'a>,
    tools: &mut Tools<'a>,
    losses: &mut LossReport,
) -> Result<(), Refusal> {
    let mut items = Items { turns: Vec::new(), system: std::mem::take(&mut request.system) };
    match body.get("input") {
        Some(Json::Str(text)) => {
            let text: Cow<'a, str> = text.clone();
            items.turns.push(Turn { role: Role::User, parts: vec![Part::Text(text)] });
        }
        Some(Json::Arr(list)) => {
            for item in list {
                items.add(item, tools, losses)?;
            }
        }
        Some(item @ Json::Obj(_)) => items.add(item, tools, losses)?,
        _ => {
            return Err(if body.get("prompt").is_some() {
                Refusal::unsupported("prompt", NO_COUNTERPART)
            } else {
                Refusal::invalid("input", "`input` must be a text or a list")
            });
        }
    }
    (request.turns, request.system) = (items.turns, items.system);
    Ok(())
}
