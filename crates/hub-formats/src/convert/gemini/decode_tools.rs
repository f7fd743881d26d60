//! Reading a Gemini client's request: tools and the choice among them.

use std::borrow::Cow;

use crate::convert::ir::{Allowed, Choice, Hosted, Request, Tool};
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::schema;

pub(super) fn tools<'a>(body: &Json<'a>, request: &mut Request<'a>, losses: &mut LossReport) {
    let list = body.get("tools");
    let single = list.filter(|list| list.obj().is_some()).map(std::slice::from_ref);
    for tool in single.unwrap_or_else(|| list.map(Json::items).unwrap_or_default()) {
        for (key, value) in tool.obj().map(|tool| tool.members.as_slice()).unwrap_or_default() {
            match &**key {
                "functionDeclarations" | "function_declarations" => {
                    for declaration in value.items() {
                        match function(declaration) {
                            Some(tool) => request.tools.push(tool),
                            None => losses.note_detail("unknown", "tools.name"),
                        }
                    }
                }
                "googleSearch" | "google_search" | "googleSearchRetrieval" | "google_search_retrieval" => {
                    request.hosted.push(Hosted::WebSearch {
                        max_uses: None,
                        allowed: Vec::new(),
                        blocked: Vec::new(),
                        location: None,
                        context_size: None,
                        name: key.clone(),
                    });
                }
                _ => request.hosted.push(Hosted::Other { kind: key.clone(), name: key.clone() }),
            }
        }
    }
    choice(body, request);
}

fn function<'a>(declaration: &Json<'a>) -> Option<Tool<'a>> {
    let json_schema = declaration.either("parametersJsonSchema", "parameters_json_schema").cloned();
    let schema = json_schema
        .or_else(|| declaration.get("parameters").map(|schema| schema::from_openapi(schema.clone())))
        .unwrap_or_else(schema::empty);
    Some(Tool {
        name: declaration.text_at("name").filter(|name| !name.is_empty())?,
        description: declaration.text_at("description"),
        schema,
        strict: None,
        custom: None,
        builtin: None,
        namespace: None,
    })
}

fn choice<'a>(body: &Json<'a>, request: &mut Request<'a>) {
    let Some(config) = body
        .either("toolConfig", "tool_config")
        .and_then(|config| config.either("functionCallingConfig", "function_calling_config"))
    else {
        return;
    };
    let mode = config.str_at("mode").unwrap_or_default().to_ascii_uppercase();
    let mut names: Vec<Cow<'a, str>> = config
        .either("allowedFunctionNames", "allowed_function_names")
        .map(Json::items)
        .unwrap_or_default()
        .iter()
        .filter_map(Json::text)
        .collect();
    request.choice = match mode.as_str() {
        "AUTO" | "VALIDATED" => Some(Choice::Auto),
        "NONE" => Some(Choice::None),
        "ANY" if names.len() == 1 => names.pop().map(Choice::Tool),
        "ANY" => Some(Choice::Any),
        _ => None,
    };
    if !names.is_empty() {
        request.allowed = Some(Allowed { names });
    }
}
