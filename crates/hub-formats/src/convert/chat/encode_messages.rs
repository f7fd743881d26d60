//! Writing a request for a Chat provider: turns become messages.

use std::borrow::Cow;

use crate::convert::context::{
    Context, error_text, file as file_id, joined_text, no_medium, plain_input, text_args,
};
use crate::convert::ir::{Kind, Media, Part, Request, Role, Source, Turn};
use crate::convert::json::{Json, Obj, obj, s};
use crate::convert::openai::thinks;
use crate::convert::refusal::Refusal;

const NO_OUTPUT: &str = "(no output)";

pub(super) fn messages<'a>(
    request: &mut Request<'a>,
    context: &mut Context<'_>,
) -> Result<Vec<Json<'a>>, Refusal> {
    let same_vendor = request.same_vendor(context.target.dialect);
    let mut out = Vec::with_capacity(request.turns.len() + 1);
    if !request.system.is_empty() {
        out.push(said("system", s(request.system.join("\n\n"))));
    }
    let developer = if thinks(context) { "developer" } else { "system" };
    for turn in std::mem::take(&mut request.turns) {
        match turn.role {
            Role::System => out.push(said(developer, s(joined_text(&turn.parts)))),
            Role::Assistant => out.extend(assistant(turn, context)),
            Role::User => user(turn, same_vendor, context, &mut out)?,
        }
    }
    Ok(out)
}

fn said<'a>(role: &'static str, content: Json<'a>) -> Json<'a> {
    obj([("role", role.into()), ("content", content)])
}

fn assistant<'a>(turn: Turn<'a>, context: &mut Context<'_>) -> Option<Json<'a>> {
    let (mut text, mut thought) = (String::new(), String::new());
    let mut calls = Vec::new();
    for part in turn.parts {
        match part {
            Part::Text(more) => text.push_str(&more),
            Part::Reasoning { text, .. } => thought.push_str(&text),
            Part::Call { id, name, args, custom: true, .. } if context.knows_custom() => {
                let custom = obj([("name", s(context.names.wire(&name))), ("input", s(plain_input(&args)))]);
                calls.push(obj([("id", s(id)), ("type", "custom".into()), ("custom", custom)]));
            }
            Part::Call { id, name, args, .. } => {
                let function =
                    obj([("name", s(context.names.wire(&name))), ("arguments", s(text_args(&args)))]);
                calls.push(obj([("id", s(id)), ("type", "function".into()), ("function", function)]));
            }
            Part::Media(_) => context.losses.note("assistant_media"),
            Part::Result { .. } => {}
        }
    }
    if text.is_empty() && calls.is_empty() {
        return None;
    }
    let mut message = Obj::default();
    message.push("role", "assistant");
    message.push("content", if text.is_empty() { Json::Null } else { s(text) });
    if !thought.is_empty() && context.target.options.replay_reasoning_content {
        message.push("reasoning_content", thought);
    }
    if !calls.is_empty() {
        message.push("tool_calls", calls);
    }
    Some(Json::Obj(message))
}

/// The results first, then what they held besides text, then what the user said.
fn user<'a>(
    turn: Turn<'a>,
    same_vendor: bool,
    context: &mut Context<'_>,
    out: &mut Vec<Json<'a>>,
) -> Result<(), Refusal> {
    let (mut moved, mut rest) = (Vec::new(), Vec::new());
    for part in turn.parts {
        match part {
            Part::Result { id, parts, is_error, .. } => {
                let text = joined_text(&parts);
                if is_error && !text.starts_with("Error") {
                    context.losses.note("is_error_textual");
                }
                let text = error_text(text, is_error);
                let media: Vec<Part<'a>> =
                    parts.into_iter().filter(|part| matches!(part, Part::Media(_))).collect();
                if !media.is_empty() {
                    context.losses.note("media_moved");
                    moved.push(Part::Text(Cow::Owned(format!("Attached to the result of tool call {id}:"))));
                    moved.extend(media);
                }
                let text = if text.is_empty() { Cow::Borrowed(NO_OUTPUT) } else { text };
                out.push(obj([("role", "tool".into()), ("tool_call_id", s(id)), ("content", s(text))]));
            }
            other => rest.push(other),
        }
    }
    if !moved.is_empty() {
        out.push(said("user", content(moved, same_vendor)?));
    }
    if !rest.is_empty() {
        out.push(said("user", content(rest, same_vendor)?));
    }
    Ok(())
}

/// A string if there is one text and nothing else, else parts.
fn content(mut parts: Vec<Part<'_>>, same_vendor: bool) -> Result<Json<'_>, Refusal> {
    if let [Part::Text(text)] = parts.as_mut_slice() {
        return Ok(s(std::mem::take(text)));
    }
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Text(text) => out.push(obj([("type", "text".into()), ("text", s(text))])),
            Part::Media(media) => out.push(self::media(&media, same_vendor)?),
            Part::Call { .. } | Part::Result { .. } | Part::Reasoning { .. } => {}
        }
    }
    Ok(Json::Arr(out))
}

fn media<'a>(media: &Media<'a>, same_vendor: bool) -> Result<Json<'a>, Refusal> {
    let file = |members: Obj<'a>| Ok(obj([("type", "file".into()), ("file", Json::Obj(members))]));
    let mut members = Obj::default();
    match (&media.kind, &media.source) {
        (Kind::Image, Source::Inline(data)) => {
            let url = obj([("url", s(media.data_url(data)))]);
            Ok(obj([("type", "image_url".into()), ("image_url", url)]))
        }
        (Kind::Image, Source::Url(url)) => {
            let url = obj([("url", s(url.clone()))]);
            Ok(obj([("type", "image_url".into()), ("image_url", url)]))
        }
        (Kind::Document, Source::Inline(data)) => {
            members.push("filename", file_name(media));
            members.push("file_data", media.data_url(data));
            file(members)
        }
        (_, Source::File(id)) => {
            members.push("file_id", file_id(same_vendor, id)?);
            file(members)
        }
        (Kind::Audio, Source::Inline(data)) => {
            let format = match &*media.mime_or_guess() {
                "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
                "audio/mpeg" | "audio/mp3" => "mp3",
                _ => return no_medium(media),
            };
            let audio = obj([("data", s(data.clone())), ("format", format.into())]);
            Ok(obj([("type", "input_audio".into()), ("input_audio", audio)]))
        }
        _ => no_medium(media),
    }
}

/// A name for the file; of a PDF it ends as the vendor wants it.
pub(crate) fn file_name<'a>(media: &Media<'a>) -> Cow<'a, str> {
    let name = media.name.clone().unwrap_or(Cow::Borrowed("document"));
    let is_pdf = media.mime_or_guess() == "application/pdf";
    if is_pdf && !name.to_ascii_lowercase().ends_with(".pdf") {
        return Cow::Owned(format!("{name}.pdf"));
    }
    name
}
