//! Reading a Claude client's request: tools and the choice among them.

use std::borrow::Cow;

use crate::convert::ir::{Choice, Hosted, Tool};
use crate::convert::json::{Json, parse};
use crate::convert::loss::LossReport;
use crate::convert::schema;

pub(super) fn tools<'a>(list: &[Json<'a>], losses: &mut LossReport) -> (Vec<Tool<'a>>, Vec<Hosted<'a>>) {
    let (mut tools, mut hosted) = (Vec::new(), Vec::new());
    for tool in list {
        if tool.get("cache_control").is_some() {
            losses.note("cache_control");
        }
        // Nobody else looks tools up: all of them are told at once.
        if tool.get("defer_loading").and_then(Json::bool) == Some(true) {
            losses.note("defer_loading");
        }
        let name = tool.text_at("name").unwrap_or_default();
        let kind = tool.kind();
        let schema = match kind {
            "" | "custom" => tool.get("input_schema").cloned().unwrap_or_else(schema::empty),
            _ => {
                let Some(schema) = canned(kind) else {
                    hosted.push(self::hosted(tool, name));
                    continue;
                };
                schema
            }
        };
        if name.is_empty() {
            losses.note_detail("unknown", "tools.name");
            continue;
        }
        tools.push(Tool {
            name,
            description: tool.text_at("description"),
            schema,
            strict: tool.get("strict").and_then(Json::bool),
            custom: None,
            builtin: None,
            namespace: None,
        });
    }
    (tools, hosted)
}

/// Tools that the client runs and the vendor has a schema for.
fn canned(kind: &str) -> Option<Json<'static>> {
    let text = if kind.starts_with("bash_") {
        r#"{"type":"object","properties":{"command":{"type":"string"},"restart":{"type":"boolean"}}}"#
    } else if kind.starts_with("text_editor_") {
        r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","undo_edit"]},"path":{"type":"string"},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"view_range":{"type":"array","items":{"type":"integer"}}},"required":["command","path"]}"#
    } else if kind.starts_with("memory_") {
        r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},"path":{"type":"string"},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},"insert_text":{"type":"string"},"old_path":{"type":"string"},"new_path":{"type":"string"},"view_range":{"type":"array","items":{"type":"integer"}}},"required":["command"]}"#
    } else if kind.starts_with("computer_") {
        r#"{"type":"object","properties":{"action":{"type":"string"},"coordinate":{"type":"array","items":{"type":"integer"}},"text":{"type":"string"},"duration":{"type":"number"},"scroll_direction":{"type":"string"},"scroll_amount":{"type":"integer"}},"required":["action"]}"#
    } else {
        return None;
    };
    parse(text.as_bytes()).ok()
}

fn hosted<'a>(tool: &Json<'a>, name: Cow<'a, str>) -> Hosted<'a> {
    let kind = tool.text_at("type").unwrap_or_default();
    if !kind.starts_with("web_search_") {
        return Hosted::Other { kind, name };
    }
    let texts = |key: &str| {
        tool.get(key).map(Json::items).unwrap_or_default().iter().filter_map(Json::text).collect::<Vec<_>>()
    };
    Hosted::WebSearch {
        max_uses: tool.get("max_uses").and_then(Json::u64),
        allowed: texts("allowed_domains"),
        blocked: texts("blocked_domains"),
        location: tool.get("user_location").cloned(),
        context_size: None,
        name,
    }
}

/// What must be called, and whether several calls at once are welcome.
pub(super) fn choice<'a>(choice: Option<&Json<'a>>) -> (Option<Choice<'a>>, Option<bool>) {
    let Some(choice) = choice else { return (None, None) };
    let parallel = choice.get("disable_parallel_tool_use").and_then(Json::bool).map(|disabled| !disabled);
    let what = match choice.kind() {
        "auto" => Some(Choice::Auto),
        "any" => Some(Choice::Any),
        "none" => Some(Choice::None),
        "tool" => choice.text_at("name").map(Choice::Tool),
        _ => None,
    };
    (what, parallel)
}
