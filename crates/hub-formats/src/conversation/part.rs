//! The canonical form of what messages are made of: texts, images, calls, results, and what is unknown.

use std::ops::Range;

use super::canon::{ABSENT, CALL, CLOSE, Canon, END, IMAGE, OTHER, RESULT, TEXT};
use super::message::Reader;
use super::object::{Object, string_at};
use super::value::Ignore;
use crate::json::{Cursor, decode_lossy, decoded, eq_decoded};
use crate::scan::ScanError;

/// A line of Claude Code about itself that stands first in the system prompt and changes at will.
const BILLING_HEADER: &str = "x-anthropic-billing-header";
/// Members that say nothing about a part or an item.
const OMITTED: [&str; 7] = [
    "cache_control",
    "id",
    "status",
    "signature",
    "thoughtSignature",
    "thought_signature",
    "encrypted_content",
];

/// Where parts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the system prompt.
    System,
    /// In a message.
    Message,
    /// In a tool's result, whose own results are none.
    Result,
}

impl<'a> Reader<'a> {
    /// Writes content: a text stands for a list with this text, an object for a list with this part. Returns
    /// whether there was anything that counts.
    pub(super) fn content(
        &mut self,
        span: &Range<usize>,
        place: Place,
        canon: &mut Canon,
    ) -> Result<bool, ScanError> {
        let mut cursor = Cursor::within(self.body, span);
        if cursor.peek() != Some(b'[') {
            return self.part(&mut cursor, place, canon);
        }
        let mut any = false;
        cursor.list(|cursor| {
            self.spend()?;
            any |= self.part(cursor, place, canon)?;
            Ok(())
        })?;
        Ok(any)
    }

    fn part(&mut self, cursor: &mut Cursor<'a>, place: Place, canon: &mut Canon) -> Result<bool, ScanError> {
        if cursor.peek() != Some(b'{') {
            let span = cursor.value()?;
            return self.bare(&span, place, canon);
        }
        let object = Object::read(self, cursor)?;
        if self.is_gemini() { self.gemini(&object, place, canon) } else { self.typed(&object, place, canon) }
    }

    /// A part that is no object: a text, nothing, or something odd.
    fn bare(&mut self, span: &Range<usize>, place: Place, canon: &mut Canon) -> Result<bool, ScanError> {
        if let Some(text) = string_at(self.body, span) {
            return Ok(text_part(text, place, canon));
        }
        if self.body.get(span.clone()) == Some(b"null") {
            return Ok(false);
        }
        canon.byte(OTHER);
        self.json_at(span, Ignore::CacheControl, canon)?;
        Ok(true)
    }

    /// A part that says what it is.
    fn typed(&mut self, part: &Object<'a>, place: Place, canon: &mut Canon) -> Result<bool, ScanError> {
        let kind = part.string("type").map(decoded).unwrap_or_default();
        match &*kind {
            "text" | "input_text" | "output_text" => {
                if let Some(text) = part.string("text") {
                    return Ok(text_part(text, place, canon));
                }
            }
            "refusal" => {
                if let Some(text) = part.string("refusal") {
                    return Ok(text_part(text, place, canon));
                }
            }
            "thinking" | "redacted_thinking" | "reasoning" => return Ok(false),
            "image" | "image_url" | "input_image" if self.image(part, canon)? => return Ok(true),
            "tool_use" => {
                self.call(part.get("id"), part.get("name"), part.get("input"), canon)?;
                return Ok(true);
            }
            "tool_result" if place == Place::Message => {
                canon.byte(RESULT);
                self.value_or_absent(part.get("tool_use_id"), canon)?;
                canon.byte(u8::from(part.is_true("is_error")));
                if let Some(span) = part.get("content") {
                    self.content(span, Place::Result, canon)?;
                }
                canon.byte(CLOSE);
                return Ok(true);
            }
            _ => {}
        }
        self.other(part, canon)
    }

    /// A part of Gemini is what it holds.
    fn gemini(&mut self, part: &Object<'a>, place: Place, canon: &mut Canon) -> Result<bool, ScanError> {
        if part.is_true("thought") {
            return Ok(false);
        }
        if let Some(text) = part.string("text") {
            return Ok(text_part(text, place, canon));
        }
        if part.any(&["inlineData", "inline_data", "fileData", "file_data"]).is_some()
            && self.image(part, canon)?
        {
            return Ok(true);
        }
        // Ids of calls are left out: the client makes them up when the model gave none.
        if let Some(span) = part.any(&["functionCall", "function_call"]).cloned()
            && self.is_object(&span)
        {
            let call = Object::at(self, &span)?;
            self.call(None, call.get("name"), call.get("args"), canon)?;
            return Ok(true);
        }
        if let Some(span) = part.any(&["functionResponse", "function_response"]).cloned()
            && place == Place::Message
            && self.is_object(&span)
        {
            let response = Object::at(self, &span)?;
            canon.byte(RESULT);
            self.value_or_absent(response.get("name"), canon)?;
            self.value_or_absent(response.get("response"), canon)?;
            if let Some(span) = response.get("parts") {
                self.content(span, Place::Result, canon)?;
            }
            canon.byte(CLOSE);
            return Ok(true);
        }
        let means_nothing = ["thoughtSignature", "thought_signature", "thought"];
        if part.members.iter().all(|(key, _)| means_nothing.iter().any(|name| eq_decoded(key, name))) {
            return Ok(false);
        }
        self.other(part, canon)
    }

    /// An image, or a file that stands in its place: the hash of its data, or of its address. Returns false if
    /// neither is where it should be.
    fn image(&mut self, part: &Object<'a>, canon: &mut Canon) -> Result<bool, ScanError> {
        let holders = ["source", "image_url", "inlineData", "inline_data", "fileData", "file_data"];
        let mut data = part.any(&["image_url", "file_id"]).and_then(|span| string_at(self.body, span));
        if let Some(span) = part.any(&holders).cloned()
            && self.is_object(&span)
        {
            let holder = Object::at(self, &span)?;
            let names = ["data", "url", "file_id", "fileUri", "file_uri"];
            data = holder.any(&names).and_then(|span| string_at(self.body, span));
        }
        let Some(data) = data else { return Ok(false) };
        let mut image = Canon::new();
        image.decoded(data);
        canon.byte(IMAGE);
        canon.bytes(&image.finish());
        Ok(true)
    }

    /// A call of a tool.
    pub(super) fn call(
        &mut self,
        id: Option<&Range<usize>>,
        name: Option<&Range<usize>>,
        input: Option<&Range<usize>>,
        canon: &mut Canon,
    ) -> Result<(), ScanError> {
        canon.byte(CALL);
        self.value_or_absent(id, canon)?;
        self.value_or_absent(name, canon)?;
        self.value_or_absent(input, canon)
    }

    /// A value, or a mark that there is none.
    pub(super) fn value_or_absent(
        &mut self,
        span: Option<&Range<usize>>,
        canon: &mut Canon,
    ) -> Result<(), ScanError> {
        if let Some(span) = span {
            return self.json_at(span, Ignore::Nothing, canon);
        }
        canon.byte(ABSENT);
        Ok(())
    }

    /// Something that is not known: all of it but what clients change between turns.
    pub(super) fn other(&mut self, part: &Object<'a>, canon: &mut Canon) -> Result<bool, ScanError> {
        canon.byte(OTHER);
        // A reference to an item is nothing but its id.
        let is_reference = part.is("type", "item_reference");
        self.object_without(part, if is_reference { &[] } else { &OMITTED }, canon)?;
        Ok(true)
    }

    fn is_object(&self, span: &Range<usize>) -> bool {
        self.body.get(span.start) == Some(&b'{')
    }
}

/// Writes a text, if there is any and it counts.
pub(super) fn text_part(text: &[u8], place: Place, canon: &mut Canon) -> bool {
    if text.is_empty() || (place == Place::System && is_billing_header(text)) {
        return false;
    }
    canon.byte(TEXT);
    canon.decoded(text);
    canon.byte(END);
    true
}

fn is_billing_header(text: &[u8]) -> bool {
    // As long as the header can be if each of its characters is an escape.
    let beginning = text.get(..BILLING_HEADER.len() * 6).unwrap_or(text);
    decode_lossy(beginning).starts_with(BILLING_HEADER)
}
