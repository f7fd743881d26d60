//! Writing a request for a Responses provider: turns become input items.

use std::borrow::Cow;

use crate::convert::chat::file_name;
use crate::convert::context::{
    Context, error_text, file as file_id, joined_text, no_medium, plain_input, text_args,
};
use crate::convert::ids::{Rule, legal};
use crate::convert::ir::{Kind, Media, Part, Request, Role, Source, Turn};
use crate::convert::json::{Json, Obj, obj, s};
use crate::convert::refusal::Refusal;

pub(super) fn items<'a>(
    request: &mut Request<'a>,
    context: &mut Context<'_>,
) -> Result<Vec<Json<'a>>, Refusal> {
    let same_vendor = request.same_vendor(context.target.dialect);
    let mut out = Vec::new();
    for turn in std::mem::take(&mut request.turns) {
        self::turn(turn, same_vendor, context, &mut out)?;
    }
    Ok(out)
}

fn turn<'a>(
    turn: Turn<'a>,
    same_vendor: bool,
    context: &mut Context<'_>,
    out: &mut Vec<Json<'a>>,
) -> Result<(), Refusal> {
    let (role, text_kind) = match turn.role {
        Role::User => ("user", "input_text"),
        Role::Assistant => ("assistant", "output_text"),
        Role::System => ("developer", "input_text"),
    };
    // Texts and media that follow each other are one message.
    let mut content: Vec<Json<'a>> = Vec::new();
    let flush = |content: &mut Vec<Json<'a>>, out: &mut Vec<Json<'a>>| {
        if !content.is_empty() {
            let content = std::mem::take(content);
            out.push(obj([
                ("type", "message".into()),
                ("role", role.into()),
                ("content", Json::Arr(content)),
            ]));
        }
    };
    for part in turn.parts {
        match part {
            Part::Text(text) => content.push(obj([("type", text_kind.into()), ("text", s(text))])),
            Part::Media(_) if turn.role == Role::Assistant => context.losses.note("assistant_media"),
            Part::Media(media) => content.push(self::media(&media, same_vendor)?),
            Part::Call { id, name, args, custom: true, .. } if context.knows_custom() => {
                flush(&mut content, out);
                out.push(obj([
                    ("type", "custom_tool_call".into()),
                    ("call_id", s(self::id(&id, context))),
                    ("name", s(context.names.wire(&name))),
                    ("input", s(plain_input(&args))),
                ]));
            }
            Part::Call { id, name, args, .. } => {
                flush(&mut content, out);
                out.push(obj([
                    ("type", "function_call".into()),
                    ("call_id", s(self::id(&id, context))),
                    ("name", s(context.names.wire(&name))),
                    ("arguments", s(text_args(&args))),
                ]));
            }
            Part::Result { id, parts, is_error, custom, .. } => {
                flush(&mut content, out);
                let id = self::id(&id, context);
                let custom = custom && context.knows_custom();
                let kind = if custom { "custom_tool_call_output" } else { "function_call_output" };
                let output = self::output(parts, is_error, same_vendor, context)?;
                out.push(obj([("type", kind.into()), ("call_id", s(id)), ("output", output)]));
            }
            Part::Reasoning { text, opaque } => {
                let Some(opaque) = opaque else { continue };
                flush(&mut content, out);
                let mut summary = Vec::new();
                if !text.is_empty() {
                    summary.push(obj([("type", "summary_text".into()), ("text", s(text))]));
                }
                out.push(obj([
                    ("type", "reasoning".into()),
                    ("summary", Json::Arr(summary)),
                    ("encrypted_content", s(opaque.payload)),
                ]));
            }
        }
    }
    flush(&mut content, out);
    Ok(())
}

fn id<'a>(id: &Cow<'a, str>, context: &mut Context<'_>) -> Cow<'a, str> {
    let wire = legal(id, Rule::Responses);
    if wire != *id {
        context.losses.note("id_rewritten");
    }
    wire
}

/// A text, or parts if there is more than text.
fn output<'a>(
    parts: Vec<Part<'a>>,
    is_error: bool,
    same_vendor: bool,
    context: &mut Context<'_>,
) -> Result<Json<'a>, Refusal> {
    if is_error {
        context.losses.note("is_error_textual");
    }
    if !parts.iter().any(|part| matches!(part, Part::Media(_))) {
        return Ok(s(error_text(joined_text(&parts), is_error)));
    }
    let mut list = Vec::with_capacity(parts.len());
    let mut mark = is_error;
    for part in parts {
        match part {
            Part::Text(text) => {
                let text = error_text(text, std::mem::take(&mut mark));
                list.push(obj([("type", "input_text".into()), ("text", s(text))]));
            }
            Part::Media(media) => list.push(self::media(&media, same_vendor)?),
            Part::Call { .. } | Part::Result { .. } | Part::Reasoning { .. } => {}
        }
    }
    Ok(Json::Arr(list))
}

fn media<'a>(media: &Media<'a>, same_vendor: bool) -> Result<Json<'a>, Refusal> {
    let image = |url: Cow<'a, str>| Ok(obj([("type", "input_image".into()), ("image_url", s(url))]));
    let mut file = Obj::default();
    match (&media.kind, &media.source) {
        (Kind::Image, Source::Inline(data)) => return image(Cow::Owned(media.data_url(data))),
        (Kind::Image, Source::Url(url)) => return image(url.clone()),
        (Kind::Image, Source::File(id)) => {
            return Ok(obj([("type", "input_image".into()), ("file_id", s(file_id(same_vendor, id)?))]));
        }
        (Kind::Document, Source::Inline(data)) => {
            file.push("type", "input_file");
            file.push("filename", file_name(media));
            file.push("file_data", media.data_url(data));
        }
        (Kind::Document, Source::Url(url)) => {
            file.push("type", "input_file");
            file.push("file_url", url.clone());
        }
        (Kind::Document, Source::File(id)) => {
            file.push("type", "input_file");
            file.push("file_id", file_id(same_vendor, id)?);
        }
        (Kind::Audio | Kind::Video, _) => return no_medium(media),
    }
    Ok(Json::Obj(file))
}
