//! Reading a Chat client's request: tools and the choice among them.

use std::borrow::Cow;

use crate::convert::ir::{Allowed, Choice, Custom, Hosted, Request, Tool};
use crate::convert::json::{Json, Obj};
use crate::convert::loss::LossReport;
use crate::convert::schema;

pub(super) fn tools<'a>(body: &Json<'a>, losses: &mut LossReport) -> Vec<Tool<'a>> {
    let mut tools = Vec::new();
    for tool in body.get("tools").map(Json::items).unwrap_or_default() {
        let found = match tool.kind() {
            "custom" => tool.get("custom").and_then(custom),
            "function" | "" => tool.get("function").and_then(function),
            kind => {
                losses.note_detail("hosted_tool", kind);
                continue;
            }
        };
        match found {
            Some(tool) => tools.push(tool),
            None => losses.note_detail("unknown", "tools.name"),
        }
    }
    let legacy = body.get("functions").map(Json::items).unwrap_or_default();
    tools.extend(legacy.iter().filter_map(function));
    tools
}

/// `{name, description, parameters, strict}`, as both dialects of OpenAI have it.
pub(crate) fn function<'a>(function: &Json<'a>) -> Option<Tool<'a>> {
    Some(Tool {
        name: function.text_at("name").filter(|name| !name.is_empty())?,
        description: function.text_at("description"),
        schema: function.get("parameters").cloned().unwrap_or_else(schema::empty),
        strict: function.get("strict").and_then(Json::bool),
        custom: None,
        builtin: None,
        namespace: None,
    })
}

/// `{name, description, format}`: a tool that takes plain text.
pub(crate) fn custom<'a>(tool: &Json<'a>) -> Option<Tool<'a>> {
    Some(Tool {
        name: tool.text_at("name").filter(|name| !name.is_empty())?,
        description: tool.text_at("description"),
        schema: schema::plain_input(),
        strict: None,
        custom: Some(Custom { format: tool.get("format").map(flat_format) }),
        builtin: None,
        namespace: None,
    })
}

/// A grammar as Responses has it: chat puts it into a member of its own.
fn flat_format<'a>(format: &Json<'a>) -> Json<'a> {
    match format.get("grammar") {
        Some(Json::Obj(grammar)) => {
            let mut flat = Obj::default();
            flat.push("type", format.text_at("type").unwrap_or_default());
            flat.members.extend(grammar.members.iter().cloned());
            Json::Obj(flat)
        }
        _ => format.clone(),
    }
}

pub(super) fn hosted<'a>(body: &Json<'a>) -> Vec<Hosted<'a>> {
    let Some(options) = body.get("web_search_options") else { return Vec::new() };
    let location = options.get("user_location").map(|location| match location.get("approximate") {
        Some(Json::Obj(inner)) => {
            let mut inner = inner.clone();
            inner.set("type", "approximate");
            Json::Obj(inner)
        }
        _ => location.clone(),
    });
    vec![Hosted::WebSearch {
        max_uses: None,
        allowed: Vec::new(),
        blocked: Vec::new(),
        location,
        context_size: options.text_at("search_context_size"),
        name: Cow::Borrowed("web_search"),
    }]
}

pub(super) fn choice<'a>(body: &Json<'a>, request: &mut Request<'a>) {
    let Some(choice) = body.get("tool_choice").or_else(|| body.get("function_call")) else { return };
    if let Some(word) = choice.str() {
        request.choice = named(word);
        return;
    }
    let inner = ["function", "custom"].iter().find_map(|key| choice.get(key));
    if choice.kind() == "allowed_tools" {
        let allowed = choice.get("allowed_tools").unwrap_or(choice);
        request.choice = named(allowed.str_at("mode").unwrap_or("auto"));
        let names = allowed.get("tools").map(Json::items).unwrap_or_default().iter();
        request.allowed = Some(Allowed { names: names.filter_map(tool_name).collect() });
    } else if let Some(name) = inner.unwrap_or(choice).text_at("name") {
        request.choice = Some(Choice::Tool(name));
    }
}

fn tool_name<'a>(tool: &Json<'a>) -> Option<Cow<'a, str>> {
    let inner = ["function", "custom"].iter().find_map(|key| tool.get(key));
    inner.unwrap_or(tool).text_at("name")
}

/// What OpenAI's words stand for.
pub(crate) fn named<'a>(word: &str) -> Option<Choice<'a>> {
    match word {
        "auto" => Some(Choice::Auto),
        "required" => Some(Choice::Any),
        "none" => Some(Choice::None),
        _ => None,
    }
}
