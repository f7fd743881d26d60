//! Reading a Claude client's request: all but content blocks and tools.

use hub_types::Dialect;

use super::decode_parts::parts;
use super::decode_tools::{choice, tools};
use crate::convert::fields::{Fields, want_list, want_object};
use crate::convert::ir::{Output, Request, Role, Thinking, Turn};
use crate::convert::json::Json;
use crate::convert::level::Level;
use crate::convert::loss::LossReport;
use crate::convert::refusal::Refusal;

const FIELDS: Fields = Fields {
    read: &[
        "model",
        "messages",
        "system",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "stream",
        "metadata",
        "service_tier",
        "speed",
    ],
    lost: &[
        ("cache_control", "cache_control"),
        ("container", "container"),
        ("context_management", "context_management"),
        ("mcp_servers", "hosted_tool:mcp_servers"),
        ("diagnostics", "diagnostics"),
        ("inference_geo", "inference_geo"),
        ("fallbacks", "fallbacks"),
        ("betas", "betas"),
        ("safeguards", "safety_settings"),
    ],
    refused: &["thread", "compaction"],
};

/// Blocks of Claude Code that are meant for Anthropic's own service.
const BILLING: &str = "x-anthropic-billing-header:";

pub(crate) fn decode<'a>(body: &Json<'a>, losses: &mut LossReport) -> Result<Request<'a>, Refusal> {
    want_object(body)?;
    FIELDS.account(body, losses)?;
    let mut request = Request::new(Dialect::Claude);
    request.model = body.text_at("model").unwrap_or_default();
    request.stream = body.get("stream").and_then(Json::bool).unwrap_or(false);
    system(body, &mut request, losses);
    let mut later = None;
    for message in want_list(body, "messages")? {
        let role = match message.str_at("role") {
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            Some("user") => Role::User,
            _ => {
                return Err(Refusal::invalid(
                    "messages",
                    "a message's role must be user, assistant or system",
                ));
            }
        };
        let content = message.get("content").unwrap_or(&Json::Null);
        request.turns.push(Turn { role, parts: parts(content, losses)? });
        // Some clients say it anew with each system turn: the last one counts.
        if let Some(config) = message.get("output_config") {
            later = config.str_at("effort").and_then(Level::named).or(later);
        }
    }
    (request.tools, request.hosted) = tools(body.get("tools").map(Json::items).unwrap_or_default(), losses);
    (request.choice, request.parallel) = choice(body.get("tool_choice"));
    request.max_output = body.get("max_tokens").and_then(Json::u64);
    request.sampling.temperature = body.get("temperature").and_then(Json::num);
    request.sampling.top_p = body.get("top_p").and_then(Json::num);
    request.sampling.top_k = body.get("top_k").and_then(Json::num);
    request.stop = body
        .get("stop_sequences")
        .map(Json::items)
        .unwrap_or_default()
        .iter()
        .filter_map(Json::text)
        .collect();
    request.end_user = body.get("metadata").and_then(|metadata| metadata.text_at("user_id"));
    request.tier = match (body.str_at("speed"), body.str_at("service_tier")) {
        (Some("fast"), _) => Some("priority".into()),
        (_, Some("standard_only")) => Some("default".into()),
        (_, Some("auto")) => Some("auto".into()),
        _ => None,
    };
    thinking(body, later, &mut request);
    let format = body.get("output_config").and_then(|config| config.get("format"));
    if let Some(format) = format.or_else(|| body.get("output_format"))
        && let Some(schema) = format.get("schema")
    {
        request.output = Output::Schema {
            name: format.text_at("name"),
            description: None,
            schema: schema.clone(),
            strict: Some(true),
        };
    }
    Ok(request)
}

fn system<'a>(body: &Json<'a>, request: &mut Request<'a>, losses: &mut LossReport) {
    let Some(system) = body.get("system") else { return };
    let mut take = |text: Option<std::borrow::Cow<'a, str>>| {
        if let Some(text) = text
            && !text.is_empty()
            && !text.starts_with(BILLING)
        {
            request.system.push(text);
        }
    };
    take(system.text());
    for block in system.items() {
        if block.get("cache_control").is_some() {
            losses.note("cache_control");
        }
        take(block.text_at("text"));
    }
}

fn thinking(body: &Json<'_>, later: Option<Level>, request: &mut Request<'_>) {
    let effort = body.get("output_config").and_then(|config| config.str_at("effort")).and_then(Level::named);
    let effort = later.or(effort);
    let Some(thinking) = body.get("thinking") else {
        request.thinking = effort.map_or(Thinking::Unset, Thinking::Level);
        return;
    };
    request.show_thoughts = thinking.str_at("display").map(|display| display != "omitted");
    request.thinking = match (thinking.kind(), effort) {
        ("disabled", _) => Thinking::Off,
        (_, Some(effort)) => Thinking::Level(effort),
        ("enabled", None) => thinking
            .get("budget_tokens")
            .and_then(Json::u64)
            .map_or(Thinking::Level(Level::High), Thinking::Budget),
        _ => Thinking::Level(Level::High),
    };
}
