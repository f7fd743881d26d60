//! Reading a Claude client's request: content blocks become parts.

use std::borrow::Cow;

use crate::convert::ir::{Kind, Media, Part, Source};
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::refusal::Refusal;

/// A string, or a list of blocks.
pub(super) fn parts<'a>(content: &Json<'a>, losses: &mut LossReport) -> Result<Vec<Part<'a>>, Refusal> {
    if let Some(text) = content.text() {
        return Ok(if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] });
    }
    let mut parts = Vec::new();
    for block in content.items() {
        if block.get("cache_control").is_some() {
            losses.note("cache_control");
        }
        if block.get("citations").is_some_and(|citations| !citations.items().is_empty()) {
            losses.note("citations");
        }
        one(block, &mut parts, losses)?;
    }
    Ok(parts)
}

fn one<'a>(block: &Json<'a>, parts: &mut Vec<Part<'a>>, losses: &mut LossReport) -> Result<(), Refusal> {
    match block.kind() {
        "text" => parts.extend(block.text_at("text").map(Part::Text)),
        "image" => parts.push(Part::Media(media(block, Kind::Image)?)),
        "document" => document(block, parts, losses)?,
        "search_result" => {
            let title = block.str_at("title").unwrap_or_default();
            let source = block.str_at("source").unwrap_or_default();
            parts.push(Part::Text(Cow::Owned(format!("{title}\n{source}"))));
            parts.extend(self::parts(block.get("content").unwrap_or(&Json::Null), losses)?);
        }
        "tool_use" => {
            let (Some(id), Some(name)) = (block.text_at("id"), block.text_at("name")) else {
                return Err(Refusal::invalid("messages", "a tool_use block needs an id and a name"));
            };
            let args = block.get("input").map_or(Cow::Borrowed("{}"), Json::raw_text);
            parts.push(Part::Call { id, name, args, custom: false, opaque: None });
        }
        "tool_result" => {
            let Some(id) = block.text_at("tool_use_id") else {
                return Err(Refusal::invalid("messages", "a tool_result block needs a tool_use_id"));
            };
            let content = self::parts(block.get("content").unwrap_or(&Json::Null), losses)?;
            let is_error = block.get("is_error").and_then(Json::bool).unwrap_or(false);
            parts.push(Part::Result { id, name: None, parts: content, is_error, custom: false });
        }
        "thinking" => {
            let text = block.text_at("thinking").unwrap_or_default();
            let opaque = block.text_at("signature").and_then(|field| Opaque::read(Origin::Claude, field));
            parts.push(Part::Reasoning { text, opaque });
        }
        "redacted_thinking" => {
            let opaque = block.text_at("data").and_then(|field| Opaque::read(Origin::ClaudeRedacted, field));
            parts.push(Part::Reasoning { text: Cow::Borrowed(""), opaque });
        }
        kind => {
            losses.note_detail("unknown_block", kind);
            // Results of tools that the vendor ran hold texts of their own.
            if let Some(text) = block.text_at("text") {
                parts.push(Part::Text(text));
            }
            for item in block.get("content").map(Json::items).unwrap_or_default() {
                let text = item.text_at("text").or_else(|| item.text_at("title"));
                parts.extend(text.filter(|text| !text.is_empty()).map(Part::Text));
            }
        }
    }
    Ok(())
}

fn document<'a>(block: &Json<'a>, parts: &mut Vec<Part<'a>>, losses: &mut LossReport) -> Result<(), Refusal> {
    let source = block.get("source").unwrap_or(&Json::Null);
    let title = block.text_at("title").filter(|title| !title.is_empty());
    match source.kind() {
        "text" => {
            let body = source.text_at("data").unwrap_or_default();
            parts.push(Part::Text(match title {
                Some(title) => Cow::Owned(format!("{title}\n{body}")),
                None => body,
            }));
        }
        "content" => {
            parts.extend(title.map(Part::Text));
            parts.extend(self::parts(source.get("content").unwrap_or(&Json::Null), losses)?);
        }
        _ => {
            let mut media = media(block, Kind::Document)?;
            media.name = title;
            parts.push(Part::Media(media));
        }
    }
    Ok(())
}

fn media<'a>(block: &Json<'a>, kind: Kind) -> Result<Media<'a>, Refusal> {
    let source = block.get("source").unwrap_or(&Json::Null);
    let mime = source.text_at("media_type").unwrap_or_default();
    let found = match source.kind() {
        "base64" => source.text_at("data").map(Source::Inline),
        "url" => source.text_at("url").map(Source::Url),
        "file" => source.text_at("file_id").map(Source::File),
        _ => None,
    };
    let Some(source) = found else {
        return Err(Refusal::invalid("messages", "an image or document has a source that is not known"));
    };
    Ok(Media { kind, mime, name: None, source })
}
