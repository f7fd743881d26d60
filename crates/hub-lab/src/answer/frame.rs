//! Prepared bytes with room for the request's id, and the writer that makes them.

use bytes::Bytes;
use hub_types::Usage;
use serde_json::Value;

/// Stands where the request's id will be written. No JSON escape, no other meaning.
pub(super) const ID_SLOT: &str = "~lab~id~goes~in~here~24~";

/// Length of an id.
pub(crate) const ID_LEN: usize = ID_SLOT.len();

/// Frames up to this size are copied to write the id; longer ones are cut around it.
const COPY_LIMIT: usize = 64 * 1024;

/// A piece of an answer that leaves the model at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    bytes: Bytes,
    id_at: Box<[usize]>,
    /// True if it carries something that a user would see.
    pub(crate) content: bool,
    /// The usage that a reader knows after this frame.
    pub(crate) usage: Option<Usage>,
}

impl Frame {
    pub(super) fn new(bytes: Vec<u8>, content: bool, usage: Option<Usage>) -> Self {
        let id_at = memchr::memmem::find_iter(&bytes, ID_SLOT.as_bytes()).collect();
        Self { bytes: bytes.into(), id_at, content, usage }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Calls `out` with the frame's bytes, in order, with the id in its places.
    pub(crate) fn render(&self, id: &Bytes, mut out: impl FnMut(Bytes)) {
        if self.id_at.is_empty() {
            return out(self.bytes.clone());
        }
        if self.bytes.len() <= COPY_LIMIT {
            let mut copy = self.bytes.to_vec();
            for &at in &self.id_at {
                if let Some(slot) = copy.get_mut(at..at + ID_LEN) {
                    slot.copy_from_slice(id);
                }
            }
            return out(copy.into());
        }
        let mut from = 0;
        for &at in &self.id_at {
            out(self.bytes.slice(from..at));
            out(id.clone());
            from = at + ID_LEN;
        }
        out(self.bytes.slice(from..));
    }
}

/// A prepared answer.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) content_type: &'static str,
    pub(crate) frames: Vec<Frame>,
}

impl Prepared {
    /// An answer in one piece.
    pub(super) fn whole(body: &Value, usage: Option<Usage>) -> Self {
        Self {
            content_type: "application/json",
            frames: vec![Frame::new(body.to_string().into_bytes(), true, usage)],
        }
    }

    pub(super) fn sse(writer: SseWriter) -> Self {
        Self { content_type: "text/event-stream; charset=utf-8", frames: writer.frames }
    }

    /// Bytes it occupies in a cache.
    pub(super) fn weight(&self) -> usize {
        self.frames.iter().map(|frame| frame.len() + 96).sum()
    }
}

/// Writes server-sent events.
#[derive(Debug)]
pub(super) struct SseWriter {
    newline: &'static str,
    comments: bool,
    frames: Vec<Frame>,
}

impl SseWriter {
    pub(super) fn new(crlf: bool, comments: bool) -> Self {
        Self { newline: if crlf { "\r\n" } else { "\n" }, comments, frames: Vec::new() }
    }

    /// An event with its name, and with data.
    pub(super) fn event(&mut self, name: Option<&str>, data: &str, content: bool, usage: Option<Usage>) {
        let mut text = String::with_capacity(data.len() + 64);
        if self.comments {
            text.push_str(": lab comment");
            text.push_str(self.newline);
        }
        if let Some(name) = name {
            text.push_str("event: ");
            text.push_str(name);
            text.push_str(self.newline);
        }
        text.push_str("data: ");
        text.push_str(data);
        text.push_str(self.newline);
        text.push_str(self.newline);
        self.frames.push(Frame::new(text.into_bytes(), content, usage));
    }

    /// An event whose name is its data's `type`.
    pub(super) fn typed(&mut self, data: &Value, content: bool, usage: Option<Usage>) {
        let name = data.get("type").and_then(Value::as_str);
        self.event(name, &data.to_string(), content, usage);
    }

    pub(super) fn into_frames(self) -> Vec<Frame> {
        self.frames
    }

    /// An event without a name.
    pub(super) fn bare(&mut self, data: &Value, content: bool, usage: Option<Usage>) {
        self.event(None, &data.to_string(), content, usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(frame: &Frame) -> Vec<u8> {
        let mut all = Vec::new();
        frame.render(&Bytes::from_static(b"0123456789abcdef01234567"), |piece| all.extend_from_slice(&piece));
        all
    }

    #[test]
    fn the_id_is_written_into_every_slot_whatever_the_size() {
        for filler in [10, COPY_LIMIT] {
            let text = format!("<{ID_SLOT}>{}<{ID_SLOT}>", "x".repeat(filler));
            let frame = Frame::new(text.clone().into_bytes(), true, None);
            let expected = text.replace(ID_SLOT, "0123456789abcdef01234567");
            assert_eq!(rendered(&frame), expected.as_bytes());
            assert_eq!(frame.len(), expected.len());
        }
    }
}
