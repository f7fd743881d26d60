//! Writing a request for a Claude provider: all but parts and thinking.

use std::borrow::Cow;

use super::encode_parts::message;
use super::encode_thinking::{in_open_loop, thinking};
use crate::convert::context::{Context, filter_allowed};
use crate::convert::ids::sha256_hex;
use crate::convert::ir::{Choice, Hosted, Output, Request, Tool};
use crate::convert::json::{Json, Obj, obj, s};
use crate::convert::refusal::Refusal;
use crate::convert::schema;

const JSON_ONLY: &str = "Answer with one JSON object and nothing else.";
const DEFAULT_MAX_TOKENS: u64 = 8192;

pub(crate) fn encode<'a>(mut request: Request<'a>, context: &mut Context<'_>) -> Result<Json<'a>, Refusal> {
    request.one_answer()?;
    let mut out = Obj::default();
    out.push("model", context.target.model.clone());
    let search = context.hosted(&mut request, true)?;
    filter_allowed(&mut request);
    let format = output(&mut request, context);
    if !request.system.is_empty() {
        let blocks: Vec<Json<'a>> = request.system.drain(..).map(text_block).collect();
        out.push("system", blocks);
    }
    let open_loop = in_open_loop(&request.turns);
    let same_vendor = request.same_vendor(context.target.dialect);
    let mut messages = Vec::with_capacity(request.turns.len());
    for turn in std::mem::take(&mut request.turns) {
        messages.push(message(turn, same_vendor, context)?);
    }
    let thought = thinking(&request, open_loop, max_tokens(&request, context), context);
    out.push("messages", messages);
    out.push("max_tokens", thought.max_tokens);
    out.push_some("thinking", thought.thinking);
    let mut config = Obj::default();
    config.push_some("effort", thought.effort);
    config.push_some("format", format);
    if !config.members.is_empty() {
        out.push("output_config", config);
    }
    sampling(&request, thought.manual, context, &mut out);
    tools(&request, search, context, &mut out);
    if let Some(user) = &request.end_user {
        let user = if user.contains('@') { Cow::Owned(sha256_hex(user)) } else { user.clone() };
        out.push("metadata", obj([("user_id", s(user))]));
    }
    match request.tier.as_deref() {
        Some("default") => out.push("service_tier", "standard_only"),
        Some("auto") => out.push("service_tier", "auto"),
        Some(_) => context.losses.note("service_tier"),
        None => {}
    }
    context.lose(request.metadata.as_ref(), "metadata");
    context.lose(request.cache_key.as_ref(), "cache_key");
    context.lose(request.verbosity.as_ref(), "verbosity");
    if context.target.options.auto_cache {
        out.push("cache_control", obj([("type", "ephemeral".into())]));
    }
    if request.stream {
        out.push("stream", true);
    }
    Ok(Json::Obj(out))
}

fn text_block(text: Cow<'_, str>) -> Json<'_> {
    obj([("type", "text".into()), ("text", s(text))])
}

fn max_tokens(request: &Request<'_>, context: &Context<'_>) -> u64 {
    if let Some(wanted) = request.max_output {
        return wanted;
    }
    let known = context.target.facts.max_output.map(|most| most.min(32_000));
    context.target.options.default_max_tokens.or(known).unwrap_or(DEFAULT_MAX_TOKENS).max(1024)
}

fn output<'a>(request: &mut Request<'a>, context: &mut Context<'_>) -> Option<Json<'a>> {
    match std::mem::replace(&mut request.output, Output::Text) {
        Output::Text => None,
        Output::Object => {
            context.losses.note("json_object_prompted");
            request.system.push(Cow::Borrowed(JSON_ONLY));
            None
        }
        Output::Schema { schema, .. } if context.target.facts.schema => {
            let schema = schema::close(&schema, &mut context.schema_budget, context.losses);
            Some(obj([("type", "json_schema".into()), ("schema", schema)]))
        }
        Output::Schema { schema, .. } => {
            context.losses.note("structured_output");
            request
                .system
                .push(Cow::Owned(format!("{JSON_ONLY} It follows this schema: {}", schema.to_text())));
            None
        }
    }
}

fn sampling<'a>(request: &Request<'a>, manual_thinking: bool, context: &mut Context<'_>, out: &mut Obj<'a>) {
    let sampling = &request.sampling;
    context.lose(sampling.seed.as_ref(), "seed");
    context.lose(sampling.presence.as_ref().or(sampling.frequency.as_ref()), "penalties");
    context.lose(sampling.logit_bias.as_ref(), "logit_bias");
    if sampling.logprobs == Some(true) || sampling.top_logprobs.is_some() {
        context.losses.note("logprobs");
    }
    let facts = &context.target.facts;
    let mut dropped = false;
    let mut keep = |value: &Option<Cow<'a, str>>, may: bool| {
        dropped |= value.is_some() && !may;
        value.clone().filter(|_| may)
    };
    let temperature = keep(&sampling.temperature, facts.sampling && !manual_thinking);
    let one_is_enough = facts.exclusive_sampling && temperature.is_some();
    let near_one = |text: &Option<Cow<'_, str>>| {
        text.as_ref().and_then(|text| text.parse::<f64>().ok()).is_some_and(|p| p >= 0.95)
    };
    let top_p = keep(
        &sampling.top_p,
        facts.sampling && !one_is_enough && (!manual_thinking || near_one(&sampling.top_p)),
    );
    let top_k = keep(&sampling.top_k, facts.sampling && !manual_thinking);
    if dropped {
        context.losses.note("sampling_dropped");
    }
    if let Some(mut temperature) = temperature {
        if temperature.parse::<f64>().is_ok_and(|value| value > 1.0) {
            context.losses.note("temperature_clamped");
            temperature = Cow::Borrowed("1");
        }
        out.push("temperature", Json::Num(temperature));
    }
    out.push_some("top_p", top_p.map(Json::Num));
    out.push_some("top_k", top_k.map(Json::Num));
    let stop: Vec<Json<'a>> =
        request.stop.iter().filter(|word| !word.trim().is_empty()).cloned().map(s).collect();
    if stop.len() < request.stop.len() {
        context.losses.note("stop_dropped");
    }
    if !stop.is_empty() {
        out.push("stop_sequences", stop);
    }
}

fn tools<'a>(
    request: &Request<'a>,
    search: Option<Hosted<'a>>,
    context: &mut Context<'_>,
    out: &mut Obj<'a>,
) {
    let mut list: Vec<Json<'a>> = request.tools.iter().map(|tool| function(tool, context)).collect();
    let mut search_name = None;
    if let Some(Hosted::WebSearch { max_uses, allowed, blocked, location, context_size, name }) = search {
        context.lose(context_size.as_ref(), "search_context_size");
        search_name = Some(name);
        let mut tool = Obj::default();
        tool.push("type", "web_search_20250305");
        tool.push("name", "web_search");
        tool.push_some("max_uses", max_uses);
        if !allowed.is_empty() {
            tool.push("allowed_domains", allowed.into_iter().map(s).collect::<Vec<_>>());
        } else if !blocked.is_empty() {
            tool.push("blocked_domains", blocked.into_iter().map(s).collect::<Vec<_>>());
        }
        tool.push_some("user_location", location);
        list.push(Json::Obj(tool));
    }
    if list.is_empty() {
        return;
    }
    out.push("tools", list);
    let mut choice = match &request.choice {
        Some(Choice::Any) => vec![("type", "any".into())],
        Some(Choice::Tool(name)) => {
            let is_search = search_name.as_ref() == Some(name);
            let name = if is_search { Cow::Borrowed("web_search") } else { context.names.wire(name) };
            vec![("type", "tool".into()), ("name", s(name))]
        }
        Some(Choice::None) => vec![("type", "none".into())],
        Some(Choice::Auto) => vec![("type", "auto".into())],
        None if request.parallel == Some(false) => vec![("type", "auto".into())],
        None => return,
    };
    if request.parallel == Some(false) && request.choice != Some(Choice::None) {
        choice.push(("disable_parallel_tool_use", Json::Bool(true)));
    }
    let mut object = Obj::default();
    for (key, value) in choice {
        object.push(key, value);
    }
    out.push("tool_choice", object);
}

fn function<'a>(tool: &Tool<'a>, context: &mut Context<'_>) -> Json<'a> {
    let mut out = context.plain_function(tool);
    out.push("input_schema", schema::for_claude(tool.schema.clone()));
    Json::Obj(out)
}
