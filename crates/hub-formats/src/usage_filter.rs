//! Taking the usage chunk out of a chat stream whose client did not ask for it: the hub asked, to know what to
//! bill. Everything else passes byte for byte.

use bytes::{Bytes, BytesMut};
use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::sse::{LineEnds, SseDecoder};

/// A usage chunk is a few hundred bytes; an event beyond this size is something else and is no longer held.
const MAX_HELD: usize = 64 * 1024;

/// Drops the events that hold nothing but usage (`"choices": []` beside a `usage` object). Bytes are held only
/// from the start of an event to its blank line.
#[derive(Debug, Default)]
pub struct UsageChunkFilter {
    ends: LineEnds,
    /// The current line has a byte.
    in_line: bool,
    /// The current event's bytes from earlier chunks.
    held: BytesMut,
    /// The current event is too large to be a usage chunk: its bytes pass at once.
    passing: bool,
    /// The event before was dropped; the LF of a CRLF that was cut in two goes with it.
    dropped: bool,
    /// A line was completed in the current event.
    in_event: bool,
}

impl UsageChunkFilter {
    /// A filter at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and appends to `out` what the client gets.
    pub fn push(&mut self, chunk: &Bytes, out: &mut Vec<Bytes>) {
        let mut pos = 0;
        // Of this chunk, what lies before `sent` has been dealt with; the current event begins at `start`.
        let (mut sent, mut start) = (0, 0);
        loop {
            let rest = chunk.get(pos..).unwrap_or_default();
            let skipped = self.ends.finish_crlf(rest);
            if skipped > 0 && !self.in_event {
                // The LF belongs to the blank line that ended the event before.
                if self.dropped {
                    sent = pos + skipped;
                }
                start = pos + skipped;
            }
            pos += skipped;
            let rest = chunk.get(pos..).unwrap_or_default();
            let Some((line, after)) = self.ends.split(rest) else { break };
            let is_blank = line.is_empty() && !self.in_line;
            pos = chunk.len() - after.len();
            self.in_line = false;
            if !is_blank {
                self.in_event = true;
                continue;
            }
            self.dropped = !self.passing && self.is_usage_only(chunk.get(start..pos).unwrap_or_default());
            if self.dropped {
                give(out, chunk, sent, start);
                self.held.clear();
                sent = pos;
            } else if !self.held.is_empty() {
                out.push(self.held.split().freeze());
            }
            (self.passing, self.in_event) = (false, false);
            start = pos;
        }
        if pos < chunk.len() {
            (self.in_line, self.in_event) = (true, true);
        }
        let open = chunk.len() - start;
        if self.passing || self.held.len() + open > MAX_HELD {
            self.passing = true;
            if !self.held.is_empty() {
                out.push(self.held.split().freeze());
            }
            give(out, chunk, sent, chunk.len());
        } else {
            give(out, chunk, sent, start);
            self.held.extend_from_slice(chunk.get(start..).unwrap_or_default());
        }
    }

    /// The stream has ended: appends what was still held.
    pub fn finish(&mut self, out: &mut Vec<Bytes>) {
        let is_usage = self.is_usage_only(&[]);
        let held = self.held.split().freeze();
        if !held.is_empty() && !is_usage {
            out.push(held);
        }
    }

    /// Is the event that is held, and goes on with `more`, nothing but usage?
    fn is_usage_only(&mut self, more: &[u8]) -> bool {
        if self.held.is_empty() {
            return is_usage_only(more);
        }
        if self.held.len() + more.len() > MAX_HELD {
            return false;
        }
        let whole = [&self.held, more].concat();
        is_usage_only(&whole)
    }
}

fn give(out: &mut Vec<Bytes>, chunk: &Bytes, from: usize, to: usize) {
    if from < to {
        out.push(chunk.slice(from..to));
    }
}

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<IgnoredAny>,
    usage: Report,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Report {}

fn is_usage_only(event: &[u8]) -> bool {
    if event.len() > MAX_HELD || memmem::find(event, b"\"usage\"").is_none() {
        return false;
    }
    let mut is_usage = false;
    let mut decoder = SseDecoder::new();
    let mut look = |data: &[u8]| {
        is_usage = serde_json::from_slice::<Chunk>(data).is_ok_and(|chunk| {
            chunk.choices.is_empty() && chunk.error.is_none() && matches!(chunk.usage, Report {})
        });
    };
    let decoded =
        decoder.push(event, |event| look(event.data)).and_then(|()| decoder.finish(|event| look(event.data)));
    decoded.is_ok() && is_usage
}

#[cfg(test)]
mod tests;
