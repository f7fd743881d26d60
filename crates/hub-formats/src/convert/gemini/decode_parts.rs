//! Reading a Gemini client's request: contents become turns. Gemini's calls often have no ids: they get
//! some that depend on nothing but the history.

use std::borrow::Cow;

use super::open_calls::OpenCalls;
use crate::convert::ids::digest;
use crate::convert::ir::{Kind, Media, Part, Role, Source, Turn};
use crate::convert::json::Json;
use crate::convert::loss::LossReport;
use crate::convert::opaque::{Opaque, Origin};
use crate::convert::refusal::Refusal;

/// The literal that stands where a signature is unknown.
pub(crate) const SKIP_SIGNATURE: &str = "skip_thought_signature_validator";

/// The conversation as it is read, content by content.
#[derive(Default)]
pub(super) struct Contents<'a> {
    pub(super) turns: Vec<Turn<'a>>,
    /// Calls of the last model content that no response has answered.
    open: OpenCalls<'a>,
    count: usize,
}

impl<'a> Contents<'a> {
    pub(super) fn add(&mut self, content: &Json<'a>, losses: &mut LossReport) -> Result<(), Refusal> {
        let role = match content.str_at("role") {
            Some("model") => Role::Assistant,
            _ => Role::User,
        };
        if role == Role::Assistant && !matches!(self.turns.last(), Some(turn) if turn.role == Role::Assistant)
        {
            self.open = OpenCalls::default();
        }
        let parts = self.parts(content, losses)?;
        self.turns.push(Turn { role, parts });
        self.count += 1;
        Ok(())
    }

    pub(super) fn parts(
        &mut self,
        content: &Json<'a>,
        losses: &mut LossReport,
    ) -> Result<Vec<Part<'a>>, Refusal> {
        let mut parts = Vec::new();
        let list = content.get("parts");
        let single = list.filter(|list| list.obj().is_some()).map(std::slice::from_ref);
        for (index, part) in
            single.unwrap_or_else(|| list.map(Json::items).unwrap_or_default()).iter().enumerate()
        {
            self.part(index, part, &mut parts, losses)?;
        }
        Ok(parts)
    }

    fn part(
        &mut self,
        index: usize,
        part: &Json<'a>,
        parts: &mut Vec<Part<'a>>,
        losses: &mut LossReport,
    ) -> Result<(), Refusal> {
        let signature = part
            .either("thoughtSignature", "thought_signature")
            .and_then(Json::text)
            .filter(|signature| signature != SKIP_SIGNATURE);
        if let Some(call) = part.either("functionCall", "function_call") {
            let Some(name) = call.text_at("name") else {
                return Err(Refusal::invalid("contents", "a functionCall needs a name"));
            };
            let args = call.get("args").map_or(Cow::Borrowed("{}"), Json::raw_text);
            let id = call.text_at("id").filter(|id| !id.is_empty()).unwrap_or_else(|| {
                let (content, part) = (self.count.to_le_bytes(), index.to_le_bytes());
                Cow::Owned(format!("call_{}", digest(&[&content, &part, name.as_bytes(), args.as_bytes()])))
            });
            self.open.add(id.clone(), name.clone());
            let opaque = signature.and_then(|field| Opaque::read(Origin::GeminiCall, field));
            // An envelope that is not for a call travels as a thought of its own in front of it.
            let (before, opaque) = match opaque {
                Some(opaque) if !opaque.origin.is_gemini() => (Some(opaque), None),
                opaque => (None, opaque),
            };
            if before.is_some() {
                parts.push(Part::Reasoning { text: Cow::Borrowed(""), opaque: before });
            }
            parts.push(Part::Call { id, name, args, custom: false, opaque });
        } else if let Some(response) = part.either("functionResponse", "function_response") {
            parts.push(self.response(response, losses));
        } else if let Some(text) = part.text_at("text") {
            let opaque = signature.and_then(|field| Opaque::read(Origin::GeminiThought, field));
            if part.get("thought").and_then(Json::bool) == Some(true) {
                thought(text, opaque, parts);
            } else {
                if opaque.is_some() {
                    parts.push(Part::Reasoning { text: Cow::Borrowed(""), opaque });
                }
                if !text.is_empty() {
                    parts.push(Part::Text(text));
                }
            }
        } else if let Some(media) = self::media(part) {
            parts.push(Part::Media(media));
        } else if let Some(code) = part.either("executableCode", "executable_code") {
            parts.extend(code.text_at("code").map(Part::Text));
        } else if let Some(result) = part.either("codeExecutionResult", "code_execution_result") {
            parts.extend(result.text_at("output").map(Part::Text));
        } else if let Some((name, _)) = part.obj().and_then(|part| part.members.first()) {
            losses.note_detail("unknown_block", name);
        }
        Ok(())
    }

    fn response(&mut self, response: &Json<'a>, losses: &mut LossReport) -> Part<'a> {
        let name = response.text_at("name");
        let id = response.text_at("id").filter(|id| !id.is_empty());
        let paired = self.open.take(id.as_deref(), name.as_deref());
        let id = paired.or(id).unwrap_or_else(|| {
            Cow::Owned(format!("call_{}", digest(&[&self.count.to_le_bytes(), b"response"])))
        });
        let (text, is_error) = result_text(response.get("response").unwrap_or(&Json::Null));
        let mut parts = Vec::new();
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        for part in response.get("parts").map(Json::items).unwrap_or_default() {
            match media(part) {
                Some(media) => parts.push(Part::Media(media)),
                None => losses.note_detail("unknown_block", "functionResponse.parts"),
            }
        }
        Part::Result { id, name, parts, is_error, custom: false }
    }
}

/// Adds a thought. Streams tell it in pieces, the signature last: it is for all of the text before it.
fn thought<'a>(text: Cow<'a, str>, sealed: Option<Opaque<'a>>, parts: &mut Vec<Part<'a>>) {
    if let Some(Part::Reasoning { text: before, opaque: opaque @ None }) = parts.last_mut() {
        before.to_mut().push_str(&text);
        *opaque = sealed;
    } else {
        parts.push(Part::Reasoning { text, opaque: sealed });
    }
}

/// `{output}` and `{error}` are taken out of their wrapping; anything else stays JSON.
fn result_text<'a>(response: &Json<'a>) -> (Cow<'a, str>, bool) {
    let Some(object) = response.obj() else {
        return match response {
            Json::Null => (Cow::Borrowed(""), false),
            other => (other.text().unwrap_or_else(|| other.raw_text()), false),
        };
    };
    if let [(key, Json::Str(text))] = object.members.as_slice()
        && key == "output"
    {
        return (text.clone(), false);
    }
    match (object.get("error"), object.get("output")) {
        (Some(error), None) => (error.text().unwrap_or_else(|| error.raw_text()), true),
        _ => (Cow::Owned(response.to_text()), false),
    }
}

fn media<'a>(part: &Json<'a>) -> Option<Media<'a>> {
    let member = |blob: &Json<'a>, camel: &str, snake: &str| blob.either(camel, snake).and_then(Json::text);
    if let Some(blob) = part.either("inlineData", "inline_data") {
        let mime = member(blob, "mimeType", "mime_type").unwrap_or_default();
        let source = Source::Inline(blob.text_at("data").unwrap_or_default());
        let name = member(blob, "displayName", "display_name");
        return Some(Media { kind: Kind::of(&mime), mime, name, source });
    }
    let file = part.either("fileData", "file_data")?;
    let mime = member(file, "mimeType", "mime_type").unwrap_or_default();
    let source = Source::Url(member(file, "fileUri", "file_uri")?);
    let mut media = Media { kind: Kind::of(&mime), mime, name: None, source };
    if media.mime.is_empty() {
        media.kind = Kind::Image;
        media.kind = Kind::of(&media.mime_or_guess());
    }
    Some(media)
}
