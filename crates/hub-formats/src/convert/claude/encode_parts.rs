//! Writing a request for a Claude provider: turns become messages and their blocks.

use std::borrow::Cow;

use crate::convert::context::{Context, file as file_id, no_medium, object_args};
use crate::convert::ids::{Rule, legal};
use crate::convert::ir::{Kind, Media, Part, Role, Source, Turn};
use crate::convert::json::{Json, Obj, obj, s};
use crate::convert::opaque::Origin;
use crate::convert::refusal::Refusal;

pub(super) fn message<'a>(
    turn: Turn<'a>,
    same_vendor: bool,
    context: &mut Context<'_>,
) -> Result<Json<'a>, Refusal> {
    let role = match turn.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    let content = blocks(turn.parts, same_vendor, context)?;
    Ok(obj([("role", role.into()), ("content", Json::Arr(content))]))
}

fn blocks<'a>(
    parts: Vec<Part<'a>>,
    same_vendor: bool,
    context: &mut Context<'_>,
) -> Result<Vec<Json<'a>>, Refusal> {
    let mut blocks = Vec::with_capacity(parts.len());
    for part in parts {
        blocks.extend(block(part, same_vendor, context)?);
    }
    Ok(blocks)
}

fn block<'a>(
    part: Part<'a>,
    same_vendor: bool,
    context: &mut Context<'_>,
) -> Result<Option<Json<'a>>, Refusal> {
    Ok(Some(match part {
        Part::Text(text) if text.is_empty() => return Ok(None),
        Part::Text(text) => obj([("type", "text".into()), ("text", s(text))]),
        Part::Media(media) => self::media(media, same_vendor)?,
        Part::Call { id, name, args, .. } => {
            let wire = legal(&id, Rule::Claude);
            if wire != id {
                context.losses.note("id_rewritten");
            }
            obj([
                ("type", "tool_use".into()),
                ("id", s(wire)),
                ("name", s(context.names.wire(&name))),
                ("input", object_args(&args)),
            ])
        }
        Part::Result { id, parts, is_error, .. } => {
            let mut result = Obj::default();
            result.push("type", "tool_result");
            result.push("tool_use_id", legal(&id, Rule::Claude));
            let content = blocks(parts, same_vendor, context)?;
            if !content.is_empty() {
                result.push("content", content);
            }
            if is_error {
                result.push("is_error", true);
            }
            Json::Obj(result)
        }
        Part::Reasoning { text, opaque: Some(opaque) } => match opaque.origin {
            Origin::ClaudeRedacted => {
                obj([("type", "redacted_thinking".into()), ("data", s(opaque.payload))])
            }
            Origin::Claude => {
                obj([("type", "thinking".into()), ("thinking", s(text)), ("signature", s(opaque.payload))])
            }
            _ => return Ok(None),
        },
        Part::Reasoning { .. } => return Ok(None),
    }))
}

const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

fn media(media: Media<'_>, same_vendor: bool) -> Result<Json<'_>, Refusal> {
    let mime = media.mime_or_guess();
    let is_pdf = mime == "application/pdf";
    let kind = match media.kind {
        Kind::Image => "image",
        Kind::Document => "document",
        Kind::Audio | Kind::Video => return no_medium(&media),
    };
    let source = match &media.source {
        Source::Inline(data) if kind == "image" && IMAGES.contains(&&*mime) => inline(mime, data),
        Source::Inline(data) if kind == "document" && is_pdf => inline(mime, data),
        Source::Inline(data) if mime.starts_with("text/") => match text_of(data) {
            Some(text) => {
                obj([("type", "text".into()), ("media_type", "text/plain".into()), ("data", text.into())])
            }
            None => return no_medium(&media),
        },
        Source::Inline(_) => return no_medium(&media),
        Source::Url(url) => obj([("type", "url".into()), ("url", s(url.clone()))]),
        Source::File(id) => obj([("type", "file".into()), ("file_id", s(file_id(same_vendor, id)?))]),
    };
    let mut block = Obj::default();
    block.push("type", kind);
    block.push("source", source);
    if kind == "document" {
        block.push_some("title", media.name);
    }
    Ok(Json::Obj(block))
}

fn inline<'a>(mime: Cow<'a, str>, data: &Cow<'a, str>) -> Json<'a> {
    obj([("type", "base64".into()), ("media_type", s(mime)), ("data", s(data.clone()))])
}

fn text_of(data: &str) -> Option<String> {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).ok()?).ok()
}
