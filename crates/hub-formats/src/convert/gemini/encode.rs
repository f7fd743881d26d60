//! Writing a request for a Gemini provider: all but its contents.

use std::borrow::Cow;

use hub_types::Dialect;

use super::encode_parts::contents;
use crate::convert::context::{Context, filter_allowed};
use crate::convert::facts::ThinkingStyle;
use crate::convert::ir::{Choice, Output, Request, Thinking, Tool};
use crate::convert::json::{Json, Obj, n, obj, s};
use crate::convert::level::Level;
use crate::convert::refusal::Refusal;
use crate::convert::schema::{self, Flavour};

/// The vendor takes no more stop sequences.
const MAX_STOP: usize = 5;

pub(crate) fn encode<'a>(mut request: Request<'a>, context: &mut Context<'_>) -> Result<Json<'a>, Refusal> {
    let has_functions = !request.tools.is_empty();
    // Older models refuse search beside functions: functions win.
    let search = context.hosted(&mut request, !has_functions)?;
    if let (Some(tool), Some(Choice::Tool(name))) = (&search, &request.choice)
        && tool.name() == name
    {
        return Err(Refusal::unsupported("tool_choice", "the provider can't be made to search"));
    }
    let mut out = Obj::default();
    if !request.system.is_empty() {
        let parts: Vec<Json<'a>> = request.system.drain(..).map(|text| obj([("text", s(text))])).collect();
        out.push("systemInstruction", obj([("parts", Json::Arr(parts))]));
    }
    out.push("contents", contents(&mut request, context)?);
    tools(&mut request, search.is_some(), context, &mut out);
    if request.stream {
        request.one_answer()?;
    }
    let config = config(&request, context);
    if !config.members.is_empty() {
        out.push("generationConfig", config);
    }
    if let Some(tier) = request.tier.as_deref() {
        match tier.to_ascii_lowercase().as_str() {
            tier @ ("flex" | "standard" | "priority") => out.push("serviceTier", tier.to_owned()),
            _ => context.losses.note("service_tier"),
        }
    }
    context.lose(request.metadata.as_ref(), "metadata");
    context.lose(request.end_user.as_ref(), "end_user");
    context.lose(request.cache_key.as_ref(), "cache_key");
    context.lose(request.verbosity.as_ref(), "verbosity");
    if context.target.dialect == Dialect::GeminiCli {
        // `project`, `user_prompt_id` and `session_id` belong to the provider's account.
        return Ok(obj([("model", context.target.model.clone().into()), ("request", Json::Obj(out))]));
    }
    Ok(Json::Obj(out))
}

fn tools<'a>(request: &mut Request<'a>, search: bool, context: &mut Context<'_>, out: &mut Obj<'a>) {
    let allowed = request.allowed.take();
    let any = matches!(request.choice, Some(Choice::Any));
    if !any && let Some(allowed) = &allowed {
        request.allowed = Some(allowed.clone());
        filter_allowed(request);
    }
    if request.tools.is_empty() {
        if search {
            out.push("tools", Json::Arr(vec![obj([("googleSearch", Json::Obj(Obj::default()))])]));
        }
        return;
    }
    let functions: Vec<Json<'a>> = request.tools.iter().map(|tool| function(tool, context)).collect();
    out.push("tools", Json::Arr(vec![obj([("functionDeclarations", Json::Arr(functions))])]));
    let mut config = Obj::default();
    match &request.choice {
        None => {}
        Some(Choice::Auto) => config.push("mode", "AUTO"),
        Some(Choice::None) => config.push("mode", "NONE"),
        Some(Choice::Any) => {
            config.push("mode", "ANY");
            if let Some(allowed) = allowed {
                let names: Vec<Json<'a>> =
                    allowed.names.iter().map(|name| s(context.names.wire(name))).collect();
                config.push("allowedFunctionNames", names);
            }
        }
        Some(Choice::Tool(name)) => {
            config.push("mode", "ANY");
            config.push("allowedFunctionNames", Json::Arr(vec![s(context.names.wire(name))]));
        }
    }
    if request.parallel == Some(false) {
        context.losses.note("parallel_flag");
    }
    if !config.members.is_empty() {
        out.push("toolConfig", obj([("functionCallingConfig", Json::Obj(config))]));
    }
}

fn function<'a>(tool: &Tool<'a>, context: &mut Context<'_>) -> Json<'a> {
    let mut out = context.plain_function(tool);
    let (key, flavour) = if context.target.options.json_schema_parameters {
        ("parametersJsonSchema", Flavour::JsonSchema)
    } else {
        ("parameters", Flavour::OpenApi)
    };
    let rooted = schema::for_claude(tool.schema.clone());
    let schema = schema::for_gemini(&rooted, flavour, &mut context.schema_budget, context.losses);
    let is_empty = schema.get("properties").and_then(Json::obj).is_none_or(|named| named.members.is_empty());
    // An object without properties is refused where `parameters` are.
    if !is_empty || flavour == Flavour::JsonSchema {
        out.push(key, schema);
    }
    Json::Obj(out)
}

fn config<'a>(request: &Request<'a>, context: &mut Context<'_>) -> Obj<'a> {
    let mut out = Obj::default();
    let sampling = &request.sampling;
    out.push_some("maxOutputTokens", request.max_output);
    out.push_some("candidateCount", request.answers.map(|(count, _)| count));
    let mut number = |key: &'static str, value: &Option<Cow<'a, str>>| {
        out.push_some(key, value.clone().map(Json::Num));
    };
    number("temperature", &sampling.temperature);
    number("topP", &sampling.top_p);
    number("topK", &sampling.top_k);
    number("seed", &sampling.seed);
    number("presencePenalty", &sampling.presence);
    number("frequencyPenalty", &sampling.frequency);
    number("logprobs", &sampling.top_logprobs);
    let logprobs = sampling.logprobs.or_else(|| sampling.top_logprobs.as_ref().map(|_| true));
    out.push_some("responseLogprobs", logprobs.filter(|wanted| *wanted));
    context.lose(sampling.logit_bias.as_ref(), "logit_bias");
    if request.stop.len() > MAX_STOP {
        context.losses.note("stop_truncated");
    }
    if !request.stop.is_empty() {
        out.push("stopSequences", request.stop.iter().take(MAX_STOP).cloned().map(s).collect::<Vec<_>>());
    }
    match &request.output {
        Output::Text => {}
        Output::Object => out.push("responseMimeType", "application/json"),
        Output::Schema { schema, .. } => {
            out.push("responseMimeType", "application/json");
            out.push(
                "responseSchema",
                schema::for_gemini(schema, Flavour::OpenApi, &mut context.schema_budget, context.losses),
            );
        }
    }
    out.push_some("thinkingConfig", thinking(request, context));
    out
}

fn thinking(request: &Request<'_>, context: &mut Context<'_>) -> Option<Json<'static>> {
    let facts = &context.target.facts;
    let (level, budget) = match request.thinking {
        Thinking::Unset => return None,
        Thinking::Off => (None, 0),
        Thinking::Level(level) => (Some(level), level.budget()),
        Thinking::Budget(tokens) => (Level::of_budget(tokens), tokens),
    };
    if facts.style == ThinkingStyle::None {
        if level.is_some() {
            context.losses.note_detail("reasoning_dropped", "model");
        }
        return None;
    }
    let show = Json::Bool(level.is_some() && request.show_thoughts != Some(false));
    let by_budget = facts.style == ThinkingStyle::Budget
        || (facts.style == ThinkingStyle::Unknown && !matches!(request.thinking, Thinking::Level(_)));
    if by_budget {
        let (least, most) = facts.budget.unwrap_or((0, u64::MAX));
        let budget = if level.is_none() && facts.can_stop_thinking { 0 } else { budget.clamp(least, most) };
        return Some(obj([("thinkingBudget", n(budget)), ("includeThoughts", show)]));
    }
    let lowest = facts.levels.first().copied().unwrap_or(Level::Low);
    let wanted = level.unwrap_or(lowest);
    let clamped = wanted.clamp_to(&facts.levels);
    if clamped != wanted {
        context.losses.note("effort_clamped");
    }
    Some(obj([("thinkingLevel", clamped.as_str().into()), ("includeThoughts", show)]))
}
