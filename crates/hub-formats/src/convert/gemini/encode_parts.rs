//! Writing a request for a Gemini provider: turns become contents.

use std::borrow::Cow;
use std::collections::HashMap;

use hub_types::Dialect;

use super::decode_parts::SKIP_SIGNATURE;
use crate::convert::context::{Context, file as file_id, joined_text, no_medium, object_args};
use crate::convert::ir::{Media, Part, Request, Role, Source, Turn};
use crate::convert::json::{Json, Obj, obj, s};
use crate::convert::refusal::Refusal;

pub(super) fn contents<'a>(
    request: &mut Request<'a>,
    context: &mut Context<'_>,
) -> Result<Vec<Json<'a>>, Refusal> {
    let same_vendor = request.same_vendor(context.target.dialect);
    let mut writer = Writer {
        same_vendor,
        with_ids: context.target.dialect == Dialect::Gemini && !context.target.options.omit_call_ids,
        names: HashMap::new(),
    };
    let mut out = Vec::with_capacity(request.turns.len());
    for turn in std::mem::take(&mut request.turns) {
        let role = if turn.role == Role::Assistant { "model" } else { "user" };
        let parts = writer.parts(turn, context)?;
        if !parts.is_empty() {
            out.push(obj([("role", role.into()), ("parts", Json::Arr(parts))]));
        }
    }
    Ok(out)
}

struct Writer<'a> {
    same_vendor: bool,
    with_ids: bool,
    /// The names of the calls so far: a response has to repeat them.
    names: HashMap<Cow<'a, str>, Cow<'a, str>>,
}

impl<'a> Writer<'a> {
    fn parts(&mut self, turn: Turn<'a>, context: &mut Context<'_>) -> Result<Vec<Json<'a>>, Refusal> {
        let mut parts = Vec::with_capacity(turn.parts.len());
        // What a result holds besides text follows all of the turn's results.
        let (mut moved, mut rest) = (Vec::new(), Vec::new());
        let mut first_call = true;
        for part in turn.parts {
            match part {
                Part::Result { id, name, parts: inner, is_error, .. } => {
                    let text = joined_text(&inner);
                    for part in inner {
                        if let Part::Media(media) = part {
                            moved.push(self.media(&media)?);
                        }
                    }
                    parts.push(self.response(id, name, text, is_error, context));
                }
                Part::Call { id, name, args, opaque, .. } => {
                    let wire = context.names.wire(&name);
                    self.names.insert(id.clone(), wire.clone());
                    let mut call = Obj::default();
                    if self.with_ids {
                        call.push("id", id);
                    }
                    call.push("name", wire);
                    call.push("args", object_args(&args));
                    let mut part = Obj::default();
                    part.push("functionCall", call);
                    let signature =
                        opaque.filter(|opaque| opaque.origin.is_gemini()).map(|opaque| opaque.payload);
                    let needed = context.target.facts.signatures && first_call;
                    let signature = signature.or_else(|| needed.then_some(Cow::Borrowed(SKIP_SIGNATURE)));
                    part.push_some("thoughtSignature", signature);
                    first_call = false;
                    rest.push(Json::Obj(part));
                }
                Part::Text(text) if text.is_empty() => {}
                Part::Text(text) => rest.push(obj([("text", s(text))])),
                Part::Media(media) => rest.push(self.media(&media)?),
                Part::Reasoning { text, opaque } => {
                    let Some(opaque) = opaque else { continue };
                    let mut part = Obj::default();
                    let is_thought = !text.is_empty();
                    part.push("text", text);
                    if is_thought {
                        part.push("thought", true);
                    }
                    part.push("thoughtSignature", opaque.payload);
                    rest.push(Json::Obj(part));
                }
            }
        }
        parts.append(&mut moved);
        parts.append(&mut rest);
        Ok(parts)
    }

    fn response(
        &self,
        id: Cow<'a, str>,
        name: Option<Cow<'a, str>>,
        text: Cow<'a, str>,
        is_error: bool,
        context: &Context<'_>,
    ) -> Json<'a> {
        let name = self
            .names
            .get(&id)
            .cloned()
            .or_else(|| name.map(|name| context.names.wire(&name)))
            .unwrap_or(Cow::Borrowed("unknown"));
        let mut response = Obj::default();
        if self.with_ids {
            response.push("id", id);
        }
        response.push("name", name);
        let key = if is_error { "error" } else { "output" };
        response.push("response", obj([(key, s(text))]));
        obj([("functionResponse", Json::Obj(response))])
    }

    fn media(&self, media: &Media<'a>) -> Result<Json<'a>, Refusal> {
        let mime = s(media.mime_or_guess());
        Ok(match &media.source {
            Source::Inline(data) => {
                obj([("inlineData", obj([("mimeType", mime), ("data", s(data.clone()))]))])
            }
            Source::Url(url) => obj([("fileData", obj([("mimeType", mime), ("fileUri", s(url.clone()))]))]),
            Source::File(id) if self.same_vendor => {
                let uri = file_id(self.same_vendor, id)?;
                obj([("fileData", obj([("mimeType", mime), ("fileUri", s(uri))]))])
            }
            Source::File(_) => return no_medium(media),
        })
    }
}
