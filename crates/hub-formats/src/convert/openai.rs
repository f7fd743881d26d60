//! What the two dialects of OpenAI have in common.

use std::borrow::Cow;

use super::context::Context;
use super::facts::ThinkingStyle;
use super::ids::sha256_hex;
use super::ir::{Output, Request, Thinking};
use super::json::{Json, Obj};
use super::level::Level;

/// `none` or a level.
pub(crate) fn read_effort(word: Option<&str>) -> Thinking {
    match word {
        Some(word) if word.eq_ignore_ascii_case("none") => Thinking::Off,
        Some(word) => Level::named(word).map_or(Thinking::Unset, Thinking::Level),
        None => Thinking::Unset,
    }
}

/// The effort for this model, if it has to be said.
pub(crate) fn effort(request: &Request<'_>, context: &mut Context<'_>) -> Option<&'static str> {
    let facts = &context.target.facts;
    let level = match request.thinking {
        Thinking::Unset => return None,
        Thinking::Off => Level::of_budget(0),
        Thinking::Level(level) => Some(level),
        Thinking::Budget(tokens) => Level::of_budget(tokens),
    };
    if facts.style == ThinkingStyle::None {
        if level.is_some() {
            context.losses.note_detail("reasoning_dropped", "model");
        }
        return None;
    }
    let Some(level) = level else {
        if facts.can_stop_thinking {
            return Some("none");
        }
        return facts.levels.first().map(|level| level.as_str());
    };
    let clamped = level.clamp_to(&facts.levels);
    if clamped != level {
        context.losses.note("effort_clamped");
    }
    Some(clamped.as_str())
}

/// OpenAI takes 64 characters.
pub(crate) fn end_user<'a>(user: &Cow<'a, str>) -> Cow<'a, str> {
    if user.chars().count() <= 64 { user.clone() } else { Cow::Owned(sha256_hex(user)) }
}

/// `{type: json_schema, name, schema, strict}`, without its type; a chat request nests it.
pub(crate) fn schema_members<'a>(output: &Output<'a>, out: &mut Obj<'a>) {
    if let Output::Schema { name, description, schema, strict } = output {
        out.push("name", name.clone().unwrap_or(Cow::Borrowed("output")));
        out.push_some("description", description.clone());
        out.push("schema", schema.clone());
        out.push_some("strict", *strict);
    }
}

/// Reads `{name, description, schema, strict}`.
pub(crate) fn read_schema<'a>(format: &Json<'a>) -> Output<'a> {
    Output::Schema {
        name: format.text_at("name"),
        description: format.text_at("description"),
        schema: format.get("schema").cloned().unwrap_or_else(super::schema::empty),
        strict: format.get("strict").and_then(Json::bool),
    }
}

/// The key under which the provider caches the prompt.
pub(crate) fn cache_key<'a>(request: &Request<'a>, context: &Context<'_>) -> Option<Cow<'a, str>> {
    let derived = || {
        context
            .target
            .options
            .session
            .as_ref()
            .map(|session| Cow::Owned(super::ids::digest(&[session.as_bytes()])))
    };
    request.cache_key.clone().or_else(derived)
}

/// Does the model think, as far as one knows?
pub(crate) fn thinks(context: &Context<'_>) -> bool {
    context.target.facts.style == ThinkingStyle::Effort
}
