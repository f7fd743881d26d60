//! Writing a request for a Chat provider: all but its messages.

use std::borrow::Cow;

use super::encode_messages::messages;
use crate::convert::context::{Context, filter_allowed};
use crate::convert::ir::{Choice, Hosted, Output, Request, Tool};
use crate::convert::json::{Json, Obj, obj, s};
use crate::convert::openai::{cache_key, effort, end_user, schema_members, thinks};
use crate::convert::refusal::Refusal;
use crate::convert::schema;

/// The vendor takes no more stop sequences.
const MAX_STOP: usize = 4;

pub(crate) fn encode<'a>(mut request: Request<'a>, context: &mut Context<'_>) -> Result<Json<'a>, Refusal> {
    let mut out = Obj::default();
    out.push("model", context.target.model.clone());
    let searches = context.target.model.contains("search");
    let search = context.hosted(&mut request, searches)?;
    filter_allowed(&mut request);
    out.push("messages", messages(&mut request, context)?);
    several(&request, &mut out)?;
    let thinks = thinks(context);
    if let Some(most) = request.max_output {
        out.push(if thinks { "max_completion_tokens" } else { "max_tokens" }, most);
    }
    sampling(&request, context, &mut out);
    out.push_some("reasoning_effort", effort(&request, context));
    tools(&request, context, &mut out);
    if let Some(Hosted::WebSearch { location, context_size, .. }) = search {
        let mut options = Obj::default();
        options.push_some("search_context_size", context_size);
        options.push_some(
            "user_location",
            location.map(|mut location| {
                if let Json::Obj(location) = &mut location {
                    location.remove("type");
                }
                obj([("type", "approximate".into()), ("approximate", location)])
            }),
        );
        out.push("web_search_options", options);
    }
    match &request.output {
        Output::Text => {}
        Output::Object => out.push("response_format", obj([("type", "json_object".into())])),
        schema @ Output::Schema { .. } => {
            let mut members = Obj::default();
            schema_members(schema, &mut members);
            out.push(
                "response_format",
                obj([("type", "json_schema".into()), ("json_schema", Json::Obj(members))]),
            );
        }
    }
    out.push_some("verbosity", request.verbosity.clone());
    out.push_some("safety_identifier", request.end_user.as_ref().map(end_user));
    out.push_some("prompt_cache_key", cache_key(&request, context));
    out.push_some("service_tier", request.tier.clone());
    out.push_some("metadata", request.metadata.clone());
    if request.stream {
        out.push("stream", true);
        if !context.target.options.no_stream_options {
            out.push("stream_options", obj([("include_usage", Json::Bool(true))]));
        }
    }
    Ok(Json::Obj(out))
}

/// Several answers at once; those of a stream would be mixed.
fn several<'a>(request: &Request<'a>, out: &mut Obj<'a>) -> Result<(), Refusal> {
    if request.stream {
        return request.one_answer();
    }
    out.push_some("n", request.answers.map(|(count, _)| count));
    Ok(())
}

fn sampling<'a>(request: &Request<'a>, context: &mut Context<'_>, out: &mut Obj<'a>) {
    let sampling = &request.sampling;
    context.lose(sampling.top_k.as_ref(), "top_k");
    let mut keep = |key: &'static str, value: &Option<Cow<'a, str>>, code: Option<&'static str>| {
        if let Some(value) = value {
            if context.target.facts.sampling {
                out.push(key, Json::Num(value.clone()));
            } else {
                context.losses.note(code.unwrap_or("sampling_dropped"));
            }
        }
    };
    keep("temperature", &sampling.temperature, None);
    keep("top_p", &sampling.top_p, None);
    keep("presence_penalty", &sampling.presence, Some("penalties"));
    keep("frequency_penalty", &sampling.frequency, Some("penalties"));
    out.push_some("seed", sampling.seed.clone().map(Json::Num));
    out.push_some("logprobs", sampling.logprobs.or(sampling.top_logprobs.as_ref().map(|_| true)));
    out.push_some("top_logprobs", sampling.top_logprobs.clone().map(Json::Num));
    out.push_some("logit_bias", sampling.logit_bias.clone());
    if request.stop.is_empty() {
        return;
    }
    if !context.target.facts.sampling {
        context.losses.note("stop_dropped");
        return;
    }
    if request.stop.len() > MAX_STOP {
        context.losses.note("stop_truncated");
    }
    out.push("stop", request.stop.iter().take(MAX_STOP).cloned().map(s).collect::<Vec<_>>());
}

fn tools<'a>(request: &Request<'a>, context: &mut Context<'_>, out: &mut Obj<'a>) {
    if request.tools.is_empty() {
        return;
    }
    out.push("tools", request.tools.iter().map(|tool| self::tool(tool, context)).collect::<Vec<_>>());
    match &request.choice {
        None => {}
        Some(Choice::Auto) => out.push("tool_choice", "auto"),
        Some(Choice::Any) => out.push("tool_choice", "required"),
        Some(Choice::None) => out.push("tool_choice", "none"),
        Some(Choice::Tool(name)) => {
            let custom = |tool: &Tool<'a>| tool.name == *name && tool.custom.is_some();
            let is_custom = context.knows_custom() && request.tools.iter().any(custom);
            let kind = if is_custom { "custom" } else { "function" };
            let named = obj([("name", s(context.names.wire(name)))]);
            out.push("tool_choice", obj([("type", kind.into()), (kind, named)]));
        }
    }
    out.push_some("parallel_tool_calls", request.parallel);
}

fn tool<'a>(tool: &Tool<'a>, context: &mut Context<'_>) -> Json<'a> {
    // Plain text and grammars are things of OpenAI's own models; others get a function with one text.
    if let Some(custom) = tool.custom.as_ref().filter(|_| context.knows_custom()) {
        let mut out = Obj::default();
        out.push("name", context.names.wire(&tool.name));
        out.push_some("description", tool.description.clone());
        out.push_some("format", custom.format.as_ref().map(nested_format));
        return obj([("type", "custom".into()), ("custom", Json::Obj(out))]);
    }
    if tool.custom.as_ref().is_some_and(|custom| custom.format.is_some()) {
        context.losses.note("grammar");
    }
    let mut function = Obj::default();
    function.push("name", context.names.wire(&tool.name));
    function.push_some("description", tool.description.clone());
    function.push("parameters", schema::for_openai(tool.schema.clone()));
    if tool.strict == Some(true) {
        function.push("strict", true);
    }
    obj([("type", "function".into()), ("function", Json::Obj(function))])
}

/// A grammar in a member of its own.
fn nested_format<'a>(format: &Json<'a>) -> Json<'a> {
    match format.obj() {
        Some(members) if format.kind() == "grammar" => {
            let mut grammar = members.clone();
            grammar.remove("type");
            obj([("type", "grammar".into()), ("grammar", Json::Obj(grammar))])
        }
        _ => format.clone(),
    }
}
