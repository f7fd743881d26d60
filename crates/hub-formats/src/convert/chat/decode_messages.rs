//! Reading a Chat client's request: messages become turns.

use std::borrow::Cow;

use crate::convert::ids::digest;
use crate::convert::ir::{Kind, Media, Part, Role, Source, Turn};
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::refusal::Refusal;

/// The conversation as it is read, message by message.
#[derive(Default)]
pub(super) struct Messages<'a> {
    pub(super) system: Vec<Cow<'a, str>>,
    pub(super) turns: Vec<Turn<'a>>,
    /// The id made up for the last call in the old form, which has none.
    legacy: Option<String>,
    count: usize,
}

impl<'a> Messages<'a> {
    pub(super) fn add(&mut self, message: &Json<'a>, losses: &mut LossReport) -> Result<(), Refusal> {
        self.count += 1;
        let content = message.get("content").unwrap_or(&Json::Null);
        match message.str_at("role") {
            Some("system" | "developer") => {
                let parts = content_parts(content, losses)?;
                if self.turns.is_empty() {
                    self.system.extend(parts.into_iter().filter_map(|part| match part {
                        Part::Text(text) => Some(text),
                        _ => None,
                    }));
                } else {
                    self.turns.push(Turn { role: Role::System, parts });
                }
            }
            Some("user") => {
                self.turns.push(Turn { role: Role::User, parts: content_parts(content, losses)? });
            }
            Some("assistant") => {
                let parts = self.assistant(message, content, losses)?;
                self.turns.push(Turn { role: Role::Assistant, parts });
            }
            Some("tool") => {
                let Some(id) = message.text_at("tool_call_id") else {
                    return Err(Refusal::invalid("messages", "a tool message needs a tool_call_id"));
                };
                let parts = content_parts(content, losses)?;
                self.result(Part::Result { id, name: None, parts, is_error: false, custom: false });
            }
            Some("function") => {
                let id = self.legacy.take().map_or(Cow::Borrowed("call_unknown"), Cow::Owned);
                let (name, parts) = (message.text_at("name"), content_parts(content, losses)?);
                self.result(Part::Result { id, name, parts, is_error: false, custom: false });
            }
            _ => {
                return Err(Refusal::invalid(
                    "messages",
                    "a message's role must be system, developer, user, assistant or tool",
                ));
            }
        }
        Ok(())
    }

    fn result(&mut self, part: Part<'a>) {
        self.turns.push(Turn { role: Role::User, parts: vec![part] });
    }

    fn assistant(
        &mut self,
        message: &Json<'a>,
        content: &Json<'a>,
        losses: &mut LossReport,
    ) -> Result<Vec<Part<'a>>, Refusal> {
        let mut parts = Vec::new();
        let thought = message.text_at("reasoning_content").or_else(|| message.text_at("reasoning"));
        if let Some(text) = thought.filter(|text| !text.is_empty()) {
            parts.push(Part::Reasoning { text, opaque: None });
        }
        parts.extend(content_parts(content, losses)?);
        parts.extend(message.text_at("refusal").filter(|text| !text.is_empty()).map(Part::Text));
        for call in message.get("tool_calls").map(Json::items).unwrap_or_default() {
            parts.push(self::call(call)?);
        }
        if let Some(call) = message.get("function_call") {
            let Some(name) = call.text_at("name") else {
                return Err(Refusal::invalid("messages", "a function_call needs a name"));
            };
            let count = self.count.to_le_bytes();
            let id = format!("call_{}", digest(&[&count, name.as_bytes()]));
            self.legacy = Some(id.clone());
            let args = arguments(call);
            parts.push(Part::Call { id: Cow::Owned(id), name, args, custom: false, opaque: None });
        }
        Ok(parts)
    }
}

fn arguments<'a>(call: &Json<'a>) -> Cow<'a, str> {
    match call.get("arguments") {
        Some(Json::Str(text)) => text.clone(),
        Some(other) => other.raw_text(),
        None => Cow::Borrowed(""),
    }
}

fn call<'a>(call: &Json<'a>) -> Result<Part<'a>, Refusal> {
    let opaque = call
        .get("extra_content")
        .and_then(|extra| extra.get("google"))
        .and_then(|google| google.text_at("thought_signature"))
        .and_then(|field| Opaque::read(Origin::GeminiCall, field));
    let custom = call.get("custom");
    let function = custom.or_else(|| call.get("function")).unwrap_or(&Json::Null);
    let (Some(id), Some(name)) = (call.text_at("id"), function.text_at("name")) else {
        return Err(Refusal::invalid("messages", "a tool call needs an id and a name"));
    };
    let args = match custom {
        Some(custom) => wrap_input(&custom.text_at("input").unwrap_or_default()),
        None => arguments(function),
    };
    Ok(Part::Call { id, name, args, custom: custom.is_some(), opaque })
}

/// `{"input": text}`: plain text as the argument of a function.
pub(crate) fn wrap_input(text: &str) -> Cow<'static, str> {
    Cow::Owned(crate::convert::json::obj([("input", text.into())]).to_text())
}

fn content_parts<'a>(content: &Json<'a>, losses: &mut LossReport) -> Result<Vec<Part<'a>>, Refusal> {
    if let Some(text) = content.text() {
        return Ok(if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] });
    }
    let mut parts = Vec::new();
    for part in content.items() {
        match part.kind() {
            "text" => parts.extend(part.text_at("text").map(Part::Text)),
            "refusal" => parts.extend(part.text_at("refusal").map(Part::Text)),
            "image_url" => {
                let image = part.get("image_url").unwrap_or(&Json::Null);
                let Some(url) = image.text_at("url").or_else(|| image.text()) else {
                    return Err(Refusal::invalid("messages", "an image_url part needs a url"));
                };
                parts.push(Part::Media(Media::from_url(Kind::Image, url)));
            }
            "input_audio" => {
                let audio = part.get("input_audio").unwrap_or(&Json::Null);
                let format = audio.str_at("format").unwrap_or("wav");
                let mime = if format == "mp3" { "audio/mpeg".into() } else { format!("audio/{format}") };
                parts.push(Part::Media(Media {
                    kind: Kind::Audio,
                    mime: Cow::Owned(mime),
                    name: None,
                    source: Source::Inline(audio.text_at("data").unwrap_or_default()),
                }));
            }
            "file" => parts.push(Part::Media(file(part.get("file").unwrap_or(&Json::Null))?)),
            kind => {
                losses.note_detail("unknown_block", kind);
                parts.extend(part.text_at("text").map(Part::Text));
            }
        }
    }
    Ok(parts)
}

/// `{file_data | file_id, filename}`, as both dialects of OpenAI have it.
pub(crate) fn file<'a>(file: &Json<'a>) -> Result<Media<'a>, Refusal> {
    let name = file.text_at("filename");
    let mut media = if let Some(data) = file.text_at("file_data") {
        let mut media = Media::from_url(Kind::Document, data);
        // Some clients leave the head of the data URL out.
        if let Source::Url(data) = &media.source {
            media.source = Source::Inline(data.clone());
        }
        media
    } else if let Some(url) = file.text_at("file_url") {
        Media::from_url(Kind::Document, url)
    } else if let Some(id) = file.text_at("file_id") {
        Media { kind: Kind::Document, mime: Cow::Borrowed(""), name: None, source: Source::File(id) }
    } else {
        return Err(Refusal::invalid("messages", "a file needs file_data, file_url or file_id"));
    };
    media.name = name;
    if !media.mime.is_empty() {
        media.kind = Kind::of(&media.mime);
    }
    Ok(media)
}
