//! Reading a Responses client's request: tools, their groups, and the choice among them.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::convert::chat::{custom, function, named};
use crate::convert::ir::{Allowed, CallForm, Choice, Hosted, Request, Tool};
use crate::convert::json::{Json, parse};
use crate::convert::loss::LossReport;

/// Tools as they are met; the first of a name counts.
#[derive(Default)]
pub(super) struct Tools<'a> {
    pub(super) functions: Vec<Tool<'a>>,
    pub(super) hosted: Vec<Hosted<'a>>,
    names: HashSet<String>,
}

/// One name for a tool in a group.
pub(super) fn flat(space: &str, name: &str) -> String {
    format!("{space}__{name}")
}

impl<'a> Tools<'a> {
    pub(super) fn add(&mut self, tool: &Json<'a>, losses: &mut LossReport) {
        match tool.kind() {
            "function" | "" => self.keep(function(tool), losses),
            "custom" => self.keep(custom(tool), losses),
            "namespace" => {
                let space = tool.text_at("name").unwrap_or_default();
                for child in tool.get("tools").map(Json::items).unwrap_or_default() {
                    let found = match child.kind() {
                        "custom" => custom(child),
                        "function" | "" => function(child),
                        _ => None,
                    };
                    let found = found.map(|mut found| {
                        let name = Cow::Owned(flat(&space, &found.name));
                        let inner = std::mem::replace(&mut found.name, name);
                        found.namespace = Some((space.clone(), inner));
                        found
                    });
                    self.keep(found, losses);
                }
            }
            "local_shell" => self.canned("local_shell", LOCAL_SHELL, CallForm::LocalShell),
            "shell" => self.canned("shell", SHELL, CallForm::Shell),
            "apply_patch" => self.canned("apply_patch", APPLY_PATCH, CallForm::ApplyPatch),
            kind if kind.starts_with("web_search") => self.hosted.push(web_search(tool)),
            kind => {
                let kind: Cow<'a, str> = Cow::Owned(kind.to_owned());
                self.hosted.push(Hosted::Other { name: kind.clone(), kind });
            }
        }
    }

    fn keep(&mut self, tool: Option<Tool<'a>>, losses: &mut LossReport) {
        match tool {
            Some(tool) if self.names.insert(tool.name.to_string()) => self.functions.push(tool),
            Some(_) => {}
            None => losses.note_detail("unknown", "tools.name"),
        }
    }

    fn canned(&mut self, name: &'static str, schema: &'static str, form: CallForm) {
        if self.names.insert(name.to_owned()) {
            self.functions.push(Tool {
                name: Cow::Borrowed(name),
                description: None,
                schema: parse(schema.as_bytes()).unwrap_or_default(),
                strict: None,
                custom: None,
                builtin: Some(form),
                namespace: None,
            });
        }
    }
}

const LOCAL_SHELL: &str = r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"}},"required":["command"]}"#;
const SHELL: &str = r#"{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"}},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]}"#;
const APPLY_PATCH: &str = r#"{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string"}},"required":["type","path"]}"#;

fn web_search<'a>(tool: &Json<'a>) -> Hosted<'a> {
    let filters = tool.get("filters").unwrap_or(&Json::Null);
    let texts = |key: &str| {
        filters
            .get(key)
            .map(Json::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Json::text)
            .collect::<Vec<_>>()
    };
    Hosted::WebSearch {
        max_uses: None,
        allowed: texts("allowed_domains"),
        blocked: texts("blocked_domains"),
        location: tool.get("user_location").cloned(),
        context_size: tool.text_at("search_context_size"),
        name: tool.text_at("type").unwrap_or_default(),
    }
}

pub(super) fn choice<'a>(choice: Option<&Json<'a>>, request: &mut Request<'a>) {
    let Some(choice) = choice else { return };
    if let Some(word) = choice.str() {
        request.choice = named(word);
        return;
    }
    match choice.kind() {
        "allowed_tools" => {
            request.choice = named(choice.str_at("mode").unwrap_or("auto"));
            let names = choice.get("tools").map(Json::items).unwrap_or_default().iter().filter_map(name);
            request.allowed = Some(Allowed { names: names.collect() });
        }
        "function" | "custom" => request.choice = name(choice).map(Choice::Tool),
        _ => request.choice = choice.text_at("type").map(Choice::Tool),
    }
}

fn name<'a>(tool: &Json<'a>) -> Option<Cow<'a, str>> {
    let name = tool.text_at("name").or_else(|| tool.text_at("type"))?;
    Some(match tool.str_at("namespace") {
        Some(space) => Cow::Owned(flat(space, &name)),
        None => name,
    })
}
