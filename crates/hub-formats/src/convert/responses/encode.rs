//! Writing a request for a Responses provider: all but its items.

use std::borrow::Cow;
use std::collections::HashMap;

use super::encode_items::items;
use crate::convert::context::{Context, filter_allowed};
use crate::convert::facts::ThinkingStyle;
use crate::convert::ir::{Choice, Hosted, Output, Request, Tool};
use crate::convert::json::{Json, Obj, obj, s};
use crate::convert::openai::{cache_key, effort, end_user, schema_members};
use crate::convert::refusal::Refusal;
use crate::convert::schema;

/// The vendor takes no less.
const MIN_OUTPUT: u64 = 16;

pub(crate) fn encode<'a>(mut request: Request<'a>, context: &mut Context<'_>) -> Result<Json<'a>, Refusal> {
    request.one_answer()?;
    let codex = context.target.options.codex_backend;
    let mut out = Obj::default();
    out.push("model", context.target.model.clone());
    let search = context.hosted(&mut request, true)?;
    let system = std::mem::take(&mut request.system).join("\n\n");
    let mut input = items(&mut request, context)?;
    let own = context.target.options.instructions.as_ref();
    let own = own.filter(|own| own.is_forced || codex || system.is_empty());
    out.push_some("instructions", own.map(|own| own.text.clone()));
    if codex || own.is_some() {
        if !system.is_empty() {
            let part = obj([("type", "input_text".into()), ("text", s(system))]);
            input.insert(
                0,
                obj([
                    ("type", "message".into()),
                    ("role", "developer".into()),
                    ("content", Json::Arr(vec![part])),
                ]),
            );
        }
    } else if !system.is_empty() {
        out.push("instructions", system);
    }
    out.push("input", input);
    tools(&mut request, search, context, &mut out);
    if context.target.facts.style != ThinkingStyle::None {
        reasoning(&request, context, &mut out);
    } else if effort(&request, context).is_some() {
        context.losses.note_detail("reasoning_dropped", "model");
    }
    text(&request, &mut out);
    sampling(&request, context, &mut out);
    if !codex {
        out.push_some("max_output_tokens", request.max_output.map(|most| most.max(MIN_OUTPUT)));
        out.push_some("safety_identifier", request.end_user.as_ref().map(end_user));
        out.push_some("metadata", request.metadata.clone());
    }
    out.push_some("prompt_cache_key", cache_key(&request, context));
    out.push_some("service_tier", request.tier.clone().filter(|tier| !codex || tier == "priority"));
    out.push("store", false);
    if request.stream || codex {
        out.push("stream", true);
    }
    Ok(Json::Obj(out))
}

fn reasoning<'a>(request: &Request<'a>, context: &mut Context<'_>, out: &mut Obj<'a>) {
    let effort = effort(request, context);
    let mut reasoning = Obj::default();
    reasoning.push_some("effort", effort);
    if effort.is_some_and(|effort| effort != "none") && request.show_thoughts != Some(false) {
        reasoning.push("summary", "auto");
    }
    if !reasoning.members.is_empty() {
        out.push("reasoning", reasoning);
    }
    if context.target.facts.style == ThinkingStyle::Effort {
        out.push("include", Json::Arr(vec!["reasoning.encrypted_content".into()]));
    }
}

fn text<'a>(request: &Request<'a>, out: &mut Obj<'a>) {
    let mut text = Obj::default();
    match &request.output {
        Output::Text => {}
        Output::Object => text.push("format", obj([("type", "json_object".into())])),
        schema @ Output::Schema { .. } => {
            let mut format = Obj::default();
            format.push("type", "json_schema");
            schema_members(schema, &mut format);
            text.push("format", format);
        }
    }
    text.push_some("verbosity", request.verbosity.clone());
    if !text.members.is_empty() {
        out.push("text", text);
    }
}

fn sampling<'a>(request: &Request<'a>, context: &mut Context<'_>, out: &mut Obj<'a>) {
    let sampling = &request.sampling;
    context.lose(sampling.top_k.as_ref(), "top_k");
    context.lose(sampling.seed.as_ref(), "seed");
    context.lose(sampling.presence.as_ref().or(sampling.frequency.as_ref()), "penalties");
    context.lose(sampling.logit_bias.as_ref(), "logit_bias");
    if !request.stop.is_empty() {
        context.losses.note("stop_dropped");
    }
    let may = context.target.facts.sampling && !context.target.options.codex_backend;
    let mut keep = |key: &'static str, value: &Option<Cow<'a, str>>| match value {
        Some(value) if may => out.push(key, Json::Num(value.clone())),
        Some(_) => context.losses.note("sampling_dropped"),
        None => {}
    };
    keep("temperature", &sampling.temperature);
    keep("top_p", &sampling.top_p);
    if sampling.logprobs == Some(true) || sampling.top_logprobs.is_some() && !may {
        context.losses.note("logprobs");
    }
    out.push_some("top_logprobs", sampling.top_logprobs.clone().filter(|_| may).map(Json::Num));
}

fn tools<'a>(
    request: &mut Request<'a>,
    search: Option<Hosted<'a>>,
    context: &mut Context<'_>,
    out: &mut Obj<'a>,
) {
    // Models of OpenAI's own know the list: a shorter list of tools would not be in their caches.
    let native = context.target.facts.style == ThinkingStyle::Effort;
    let allowed = request.allowed.take_if(|_| native && search.is_none());
    filter_allowed(request);
    let mut list: Vec<Json<'a>> = request.tools.iter().map(|tool| function(tool, context)).collect();
    let mut search_name = None;
    if let Some(Hosted::WebSearch { max_uses, allowed, blocked, location, context_size, name }) = search {
        context.lose(max_uses.as_ref(), "max_uses");
        if !blocked.is_empty() {
            context.losses.note("blocked_domains");
        }
        search_name = Some(name);
        let mut tool = Obj::default();
        tool.push("type", "web_search");
        if !allowed.is_empty() {
            let domains: Vec<Json<'a>> = allowed.into_iter().map(s).collect();
            tool.push("filters", obj([("allowed_domains", Json::Arr(domains))]));
        }
        tool.push_some("user_location", location);
        tool.push_some("search_context_size", context_size);
        list.push(Json::Obj(tool));
    }
    if list.is_empty() {
        return;
    }
    out.push("tools", list);
    if let Some(allowed) = allowed {
        let mode = if request.choice == Some(Choice::Any) { "required" } else { "auto" };
        let known: HashMap<&str, &Tool<'a>> = request.tools.iter().map(|tool| (&*tool.name, tool)).collect();
        let found = allowed.names.iter().filter_map(|name| known.get(&**name));
        let names: Vec<Json<'a>> =
            found.map(|tool| named(&tool.name, std::slice::from_ref(*tool), context)).collect();
        let choice =
            obj([("type", "allowed_tools".into()), ("mode", mode.into()), ("tools", Json::Arr(names))]);
        out.push("tool_choice", choice);
        out.push_some("parallel_tool_calls", request.parallel);
        return;
    }
    match &request.choice {
        None => {}
        Some(Choice::Auto) => out.push("tool_choice", "auto"),
        Some(Choice::Any) => out.push("tool_choice", "required"),
        Some(Choice::None) => out.push("tool_choice", "none"),
        Some(Choice::Tool(name)) if search_name.as_ref() == Some(name) => {
            out.push("tool_choice", obj([("type", "web_search".into())]));
        }
        Some(Choice::Tool(name)) => out.push("tool_choice", named(name, &request.tools, context)),
    }
    out.push_some("parallel_tool_calls", request.parallel);
}

/// `{type, name}` of a tool.
fn named<'a>(name: &Cow<'a, str>, tools: &[Tool<'a>], context: &Context<'_>) -> Json<'a> {
    let is_custom = tools.iter().any(|tool| tool.name == *name && tool.custom.is_some());
    let kind = if is_custom && context.knows_custom() { "custom" } else { "function" };
    obj([("type", kind.into()), ("name", s(context.names.wire(name)))])
}

fn function<'a>(tool: &Tool<'a>, context: &mut Context<'_>) -> Json<'a> {
    if let Some(custom) = tool.custom.as_ref().filter(|_| context.knows_custom()) {
        let mut out = Obj::default();
        out.push("type", "custom");
        out.push("name", context.names.wire(&tool.name));
        out.push_some("description", tool.description.clone());
        out.push_some("format", custom.format.clone());
        return Json::Obj(out);
    }
    if tool.custom.as_ref().is_some_and(|custom| custom.format.is_some()) {
        context.losses.note("grammar");
    }
    let mut out = Obj::default();
    out.push("type", "function");
    out.push("name", context.names.wire(&tool.name));
    out.push_some("description", tool.description.clone());
    out.push("parameters", schema::for_openai(tool.schema.clone()));
    // The vendor's default is strict, which rewrites schemas.
    out.push("strict", tool.strict == Some(true));
    Json::Obj(out)
}
