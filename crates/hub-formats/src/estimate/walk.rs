//! Going through the conversation of a body. The body was scanned before, so nothing is checked here; what is no
//! JSON gives some count or other, and ends.

use super::blob::{Blob, judge, sealed};
use super::find::find;
use super::tally::Tally;
use crate::scan::MAX_DEPTH;

/// What a value is to the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Messages and what they are made of: texts count, the JSON around them does not.
    Talk,
    /// Arguments and results of tools: the model reads the JSON itself.
    Json,
    /// A picture or file, by value or by address.
    Blob,
    /// Reasoning that only the vendor can read.
    Sealed,
    /// Ids, roles, signatures: nothing is charged for them.
    Silent,
}

/// What was found beside texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Found {
    /// Messages, input items or contents.
    pub(super) messages: u64,
    /// Pictures.
    pub(super) images: u64,
    /// Tokens of other files and of sealed reasoning.
    pub(super) file_tokens: u64,
}

/// Counts the texts of one value (messages, a system prompt) in `tally`.
pub(super) fn walk(value: &[u8], tally: &mut Tally) -> Found {
    let mut walk = Walk { value, at: 0, tally, found: Found::default() };
    walk.run();
    walk.found
}

struct Walk<'a, 'b> {
    value: &'a [u8],
    at: usize,
    tally: &'b mut Tally,
    found: Found,
}

impl<'a> Walk<'a, '_> {
    fn run(&mut self) {
        // Of each open container, whether it is an object.
        let mut objects = [false; MAX_DEPTH];
        let mut depth = 0_usize;
        let mut part = Part::Talk;
        let mut name_is_due = false;
        while let Some(&byte) = self.value.get(self.at) {
            match byte {
                b'"' => {
                    let text = self.string();
                    if name_is_due {
                        part = part_of(text);
                        name_is_due = false;
                    } else {
                        self.text(part, text);
                    }
                    continue;
                }
                b'{' | b'[' if matches!(part, Part::Json | Part::Silent | Part::Sealed) => {
                    let container = self.container();
                    if part == Part::Json {
                        self.tally.text(container);
                    }
                    continue;
                }
                b'{' | b'[' => {
                    // An object right in the list, or alone, is a message.
                    self.found.messages += u64::from(byte == b'{' && depth <= 1);
                    let Some(place) = objects.get_mut(depth) else { return };
                    *place = byte == b'{';
                    depth += 1;
                    name_is_due = byte == b'{';
                    part = Part::Talk;
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' => {
                    part = Part::Talk;
                    name_is_due = depth.checked_sub(1).and_then(|top| objects.get(top)).is_some_and(|is| *is);
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn text(&mut self, part: Part, text: &[u8]) {
        match part {
            Part::Talk | Part::Json => self.tally.text(text),
            Part::Blob => match judge(text) {
                Blob::Image => self.found.images += 1,
                Blob::File(tokens) => self.add_file(tokens),
                Blob::Text => self.tally.text(text),
            },
            Part::Sealed => self.add_file(sealed(text)),
            Part::Silent => {}
        }
    }

    fn add_file(&mut self, tokens: u64) {
        self.found.file_tokens = self.found.file_tokens.saturating_add(tokens);
    }

    /// Reads the string that begins here; what is between its quotes, escapes as they are written.
    fn string(&mut self) -> &'a [u8] {
        let start = self.at + 1;
        let mut from = start;
        while let Some(found) = find(b'"', self.value.get(from..).unwrap_or_default()) {
            let quote = from + found;
            let before = self.value.get(from..quote).unwrap_or_default();
            let backslashes = before.iter().rev().take_while(|&&byte| byte == b'\\').count();
            from = quote + 1;
            // An odd number of them: the last one escapes the quote.
            if backslashes % 2 == 0 {
                self.at = from;
                return self.value.get(start..quote).unwrap_or_default();
            }
        }
        self.at = self.value.len();
        self.value.get(start..).unwrap_or_default()
    }

    /// Skips the object or list that begins here and returns it.
    fn container(&mut self) -> &'a [u8] {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(&byte) = self.value.get(self.at) {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        self.value.get(start..self.at).unwrap_or_default()
    }
}

/// What a member of a message, or of a part of one, holds. The dialects agree where they share a name.
fn part_of(name: &[u8]) -> Part {
    match name {
        b"type" | b"role" | b"id" | b"tool_use_id" | b"tool_call_id" | b"call_id" | b"status" | b"detail"
        | b"media_type" | b"mimeType" | b"mime_type" | b"signature" | b"thoughtSignature"
        | b"thought_signature" | b"cache_control" | b"format" => Part::Silent,
        b"input" | b"args" | b"response" => Part::Json,
        b"data" | b"url" | b"image_url" | b"file_data" | b"fileUri" | b"file_uri" | b"file_url" => Part::Blob,
        b"encrypted_content" => Part::Sealed,
        _ => Part::Talk,
    }
}
