//! Reading a Responses client's request: input items become turns.

use std::borrow::Cow;

use super::decode_tools::Tools;
use crate::convert::chat::{file, wrap_input};
use crate::convert::fields::NO_COUNTERPART;
use crate::convert::ir::{Kind, Media, Part, Role, Source, Turn};
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::refusal::Refusal;

/// The conversation as it is read, item by item.
pub(super) struct Items<'a> {
    pub(super) turns: Vec<Turn<'a>>,
    pub(super) system: Vec<Cow<'a, str>>,
}

impl<'a> Items<'a> {
    pub(super) fn add(
        &mut self,
        item: &Json<'a>,
        tools: &mut Tools<'a>,
        losses: &mut LossReport,
    ) -> Result<(), Refusal> {
        match item.kind() {
            "" | "message" => self.message(item, losses)?,
            "reasoning" => self.push(Role::Assistant, reasoning(item)),
            "function_call" => {
                let name = item.text_at("name").unwrap_or_default();
                let name = match item.str_at("namespace") {
                    Some(space) => Cow::Owned(super::decode_tools::flat(space, &name)),
                    None => name,
                };
                let args = match item.get("arguments") {
                    Some(Json::Str(text)) => text.clone(),
                    Some(other) => other.raw_text(),
                    None => Cow::Borrowed(""),
                };
                self.call(item, name, args, false)?;
            }
            "custom_tool_call" => {
                let name = item.text_at("name").unwrap_or_default();
                let name = match item.str_at("namespace") {
                    Some(space) => Cow::Owned(super::decode_tools::flat(space, &name)),
                    None => name,
                };
                let input = wrap_input(item.str_at("input").unwrap_or_default());
                self.call(item, name, input, true)?;
            }
            "local_shell_call" => self.typed(item, "local_shell", "action")?,
            "shell_call" => self.typed(item, "shell", "action")?,
            "apply_patch_call" => self.typed(item, "apply_patch", "operation")?,
            "additional_tools" => {
                for tool in item.get("tools").map(Json::items).unwrap_or_default() {
                    tools.add(tool, losses);
                }
            }
            "item_reference" => {
                return Err(Refusal::unsupported("item_reference", NO_COUNTERPART));
            }
            kind if kind.starts_with("tool_search") => losses.note_detail("unknown_block", kind),
            kind if kind.ends_with("_output") => self.result(item, kind, losses)?,
            kind => {
                losses.note_detail("unknown_block", kind);
                let text = item.text_at("text").filter(|text| !text.is_empty());
                if let Some(text) = text {
                    self.push(Role::User, Part::Text(text));
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, role: Role, part: Part<'a>) {
        match self.turns.last_mut() {
            Some(turn) if turn.role == role && role != Role::System => turn.parts.push(part),
            _ => self.turns.push(Turn { role, parts: vec![part] }),
        }
    }

    fn message(&mut self, item: &Json<'a>, losses: &mut LossReport) -> Result<(), Refusal> {
        let parts = parts(item.get("content").unwrap_or(&Json::Null), losses)?;
        let role = match item.str_at("role") {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system" | "developer") if self.turns.is_empty() => {
                self.system.extend(parts.into_iter().filter_map(|part| match part {
                    Part::Text(text) => Some(text),
                    _ => None,
                }));
                return Ok(());
            }
            Some("system" | "developer") => Role::System,
            _ => {
                return Err(Refusal::invalid(
                    "input",
                    "a message's role must be user, assistant, system or developer",
                ));
            }
        };
        if role == Role::System {
            self.turns.push(Turn { role, parts });
        } else {
            for part in parts {
                self.push(role, part);
            }
        }
        Ok(())
    }

    fn typed(&mut self, item: &Json<'a>, name: &'static str, member: &str) -> Result<(), Refusal> {
        let args = item.get(member).map_or(Cow::Borrowed("{}"), Json::raw_text);
        self.call(item, Cow::Borrowed(name), args, false)
    }

    fn call(
        &mut self,
        item: &Json<'a>,
        name: Cow<'a, str>,
        args: Cow<'a, str>,
        custom: bool,
    ) -> Result<(), Refusal> {
        let Some(id) = item.text_at("call_id").or_else(|| item.text_at("id")) else {
            return Err(Refusal::invalid("input", "a call needs a call_id"));
        };
        if name.is_empty() {
            return Err(Refusal::invalid("input", "a call needs a name"));
        }
        self.push(Role::Assistant, Part::Call { id, name, args, custom, opaque: None });
        Ok(())
    }

    fn result(&mut self, item: &Json<'a>, kind: &str, losses: &mut LossReport) -> Result<(), Refusal> {
        let Some(id) = item.text_at("call_id").or_else(|| item.text_at("id")) else {
            return Err(Refusal::invalid("input", "the output of a call needs a call_id"));
        };
        let parts = match item.get("output") {
            Some(Json::Arr(list)) if list.iter().all(|part| part.kind().starts_with("input_")) => {
                parts(item.get("output").unwrap_or(&Json::Null), losses)?
            }
            Some(Json::Str(text)) => vec![Part::Text(text.clone())],
            Some(other) => vec![Part::Text(other.raw_text())],
            None => Vec::new(),
        };
        let is_error = item.str_at("status") == Some("failed");
        let custom = kind == "custom_tool_call_output";
        self.push(Role::User, Part::Result { id, name: None, parts, is_error, custom });
        Ok(())
    }
}

fn reasoning<'a>(item: &Json<'a>) -> Part<'a> {
    let texts = |key: &str| -> Vec<Cow<'a, str>> {
        item.get(key)
            .map(Json::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|part| part.text_at("text"))
            .collect()
    };
    let mut pieces = texts("summary");
    if pieces.is_empty() {
        pieces = texts("content");
    }
    let text = match pieces.as_mut_slice() {
        [only] => std::mem::take(only),
        pieces => Cow::Owned(pieces.join("\n\n")),
    };
    let opaque = item.text_at("encrypted_content").and_then(|field| Opaque::read(Origin::OpenAi, field));
    Part::Reasoning { text, opaque }
}

fn parts<'a>(content: &Json<'a>, losses: &mut LossReport) -> Result<Vec<Part<'a>>, Refusal> {
    if let Some(text) = content.text() {
        return Ok(if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] });
    }
    let mut parts = Vec::new();
    for part in content.items() {
        match part.kind() {
            "input_text" | "output_text" | "text" => parts.extend(part.text_at("text").map(Part::Text)),
            "refusal" => parts.extend(part.text_at("refusal").map(Part::Text)),
            "input_image" => parts.push(Part::Media(image(part)?)),
            "input_file" => parts.push(Part::Media(file(part)?)),
            "input_audio" => {
                let audio = part.get("input_audio").unwrap_or(part);
                let mime = if audio.str_at("format") == Some("mp3") { "audio/mpeg" } else { "audio/wav" };
                parts.push(Part::Media(Media {
                    kind: Kind::Audio,
                    mime: Cow::Borrowed(mime),
                    name: None,
                    source: Source::Inline(audio.text_at("data").unwrap_or_default()),
                }));
            }
            kind => {
                losses.note_detail("unknown_block", kind);
                parts.extend(part.text_at("text").map(Part::Text));
            }
        }
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    Ok(parts)
}

fn image<'a>(part: &Json<'a>) -> Result<Media<'a>, Refusal> {
    let url = part.get("image_url").and_then(|url| url.text().or_else(|| url.text_at("url")));
    if let Some(url) = url {
        return Ok(Media::from_url(Kind::Image, url));
    }
    match part.text_at("file_id") {
        Some(id) => {
            Ok(Media { kind: Kind::Image, mime: Cow::Borrowed(""), name: None, source: Source::File(id) })
        }
        None => Err(Refusal::invalid("input", "an input_image needs image_url or file_id")),
    }
}
