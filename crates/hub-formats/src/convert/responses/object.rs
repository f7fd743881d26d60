//! Writing answers for Responses clients: the object of an answer, and its items.

use hub_types::{Dialect, Usage};

use super::builtin;
use crate::convert::answer::{Answer, Done, Finish, Reason, Unit};
use crate::convert::context::{plain_input, text_args};
use crate::convert::ids::{Rule, digest, legal};
use crate::convert::ir::CallForm;
use crate::convert::json::{Json, Obj, n, obj, s};
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::plan::AnswerPlan;
use crate::error::Failure;

/// How far an answer is.
pub(super) enum State<'s> {
    InProgress,
    Finished(&'s Finish),
    Failed(&'s Failure),
}

/// What a failed response says of its failure.
pub(super) fn error(failure: &Failure) -> Json<'_> {
    failure.body(Dialect::Responses).of_response()
}

/// The object with every member that strict readers require.
pub(super) fn response<'a>(
    plan: &'a AnswerPlan,
    id: &'a str,
    output: Vec<Json<'a>>,
    state: &State<'a>,
) -> Json<'a> {
    let (status, used, error, details) = match state {
        State::InProgress => ("in_progress", Json::Null, Json::Null, Json::Null),
        State::Failed(failure) => ("failed", Json::Null, error(failure), Json::Null),
        State::Finished(finish) => {
            let why = match finish.reason {
                Reason::Length | Reason::Context => Some("max_output_tokens"),
                Reason::Filter => Some("content_filter"),
                _ => None,
            };
            let details = why.map_or(Json::Null, |why| obj([("reason", why.into())]));
            let status = if why.is_some() { "incomplete" } else { "completed" };
            (status, usage(&finish.usage), Json::Null, details)
        }
    };
    let echo = |key: &str, default: Json<'a>| plan.echo.get(key).cloned().unwrap_or(default);
    let mut out = Obj::default();
    out.push("id", id);
    out.push("object", "response");
    out.push("created_at", plan.created);
    out.push("status", status);
    out.push("background", false);
    out.push("error", error);
    out.push("incomplete_details", details);
    out.push("instructions", echo("instructions", Json::Null));
    out.push("max_output_tokens", echo("max_output_tokens", Json::Null));
    out.push("metadata", echo("metadata", Json::Obj(Obj::default())));
    out.push("model", plan.model.as_str());
    out.push("output", output);
    out.push("parallel_tool_calls", echo("parallel_tool_calls", Json::Bool(true)));
    out.push("previous_response_id", Json::Null);
    out.push_some("prompt_cache_key", plan.echo.get("prompt_cache_key").cloned());
    let unset = obj([("effort", Json::Null), ("summary", Json::Null)]);
    out.push("reasoning", echo("reasoning", unset));
    out.push("store", false);
    out.push("temperature", echo("temperature", n(1)));
    let text = obj([("format", obj([("type", "text".into())]))]);
    out.push("text", echo("text", text));
    out.push("tool_choice", echo("tool_choice", "auto".into()));
    out.push("tools", echo("tools", Json::Arr(Vec::new())));
    out.push("top_p", echo("top_p", n(1)));
    out.push("truncation", echo("truncation", "disabled".into()));
    out.push("usage", used);
    Json::Obj(out)
}

fn usage(usage: &Usage) -> Json<'static> {
    let input = usage.total_input();
    let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    obj([
        ("input_tokens", n(input)),
        (
            "input_tokens_details",
            obj([("cached_tokens", n(usage.cache_read)), ("cache_write_tokens", n(written))]),
        ),
        ("output_tokens", n(usage.output)),
        ("output_tokens_details", obj([("reasoning_tokens", n(usage.reasoning))])),
        ("total_tokens", n(input.saturating_add(usage.output))),
    ])
}

/// The id of the item at `index`.
pub(super) fn item_id(plan: &AnswerPlan, unit: &Unit, index: u64) -> String {
    let prefix = match unit {
        Unit::Text | Unit::Refusal => "msg_",
        Unit::Reasoning => "rs_",
        Unit::Call { .. } => match plan.form(unit) {
            CallForm::Function => "fc_",
            CallForm::Custom => "ctc_",
            CallForm::LocalShell => "lsh_",
            CallForm::Shell => "sh_",
            CallForm::ApplyPatch => "apc_",
        },
    };
    format!("{prefix}{}", digest(&[plan.salt.as_bytes(), &index.to_le_bytes()]))
}

/// The part of a message.
pub(super) fn part<'a>(unit: &Unit, text: &'a str) -> Json<'a> {
    if *unit == Unit::Refusal {
        return obj([("type", "refusal".into()), ("refusal", s(text))]);
    }
    obj([
        ("type", "output_text".into()),
        ("text", s(text)),
        ("annotations", Json::Arr(Vec::new())),
        ("logprobs", Json::Arr(Vec::new())),
    ])
}

/// An item that has begun (`done` is false: nothing in it yet), or is done.
pub(super) fn item(plan: &AnswerPlan, index: u64, unit: &Done, done: bool) -> Json<'static> {
    let status = if done { "completed" } else { "in_progress" };
    let mut out = Obj::default();
    let id = item_id(plan, &unit.unit, index);
    match &unit.unit {
        Unit::Text | Unit::Refusal => {
            let content = if done { vec![part(&unit.unit, &unit.text).into_owned()] } else { Vec::new() };
            out.push("type", "message");
            out.push("id", id);
            out.push("status", status);
            out.push("role", "assistant");
            out.push("content", content);
        }
        Unit::Reasoning => {
            let mut summary = Vec::new();
            if done && !unit.text.is_empty() {
                summary.push(obj([("type", "summary_text".into()), ("text", s(unit.text.clone()))]));
            }
            out.push("type", "reasoning");
            out.push("id", id);
            out.push("summary", summary);
            out.push_some("encrypted_content", unit.opaque().map(|opaque| carried(&opaque)));
        }
        Unit::Call { id: call_id, name } => {
            let original = plan.names.original(name);
            let (space, name) = match plan.namespaces.get(original) {
                Some((space, name)) => (Some(space.clone()), name.as_str()),
                None => (None, original),
            };
            let form = plan.form(&unit.unit);
            let call_id = legal(&call_id.clone().into(), Rule::Responses).into_owned();
            if let Some((kind, member, action)) = builtin::action(form, &unit.text) {
                out.push("type", kind);
                out.push("id", id);
                out.push("status", status);
                out.push("call_id", call_id);
                out.push(member, action);
                return Json::Obj(out);
            }
            let custom = form == CallForm::Custom;
            out.push("type", if custom { "custom_tool_call" } else { "function_call" });
            out.push("id", id);
            out.push("status", status);
            out.push("call_id", call_id);
            out.push_some("namespace", space);
            out.push("name", name.to_owned());
            let text = match (done, custom) {
                (false, _) => String::new(),
                (true, true) => plain_input(&unit.text),
                (true, false) => text_args(&unit.text.as_str().into()).into_owned(),
            };
            out.push(if custom { "input" } else { "arguments" }, text);
        }
    }
    Json::Obj(out)
}

fn carried(opaque: &Opaque<'_>) -> String {
    if opaque.origin == Origin::OpenAi { opaque.payload.clone().into_owned() } else { opaque.envelope() }
}

/// A whole body.
pub(crate) fn body<'a>(plan: &'a AnswerPlan, answer: &'a Answer) -> Json<'a> {
    let items = (0..).zip(&answer.units).map(|(index, unit)| item(plan, index, unit, true)).collect();
    let id = plan.answer_id("resp_", &answer.head.id);
    let state = answer.finish.as_ref().map_or(State::InProgress, State::Finished);
    response(plan, &id, items, &state).into_owned()
}
