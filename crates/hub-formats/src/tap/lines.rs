//! The lines of a stream, for the tap: a `data:` line goes to the walker as it comes, in pieces, so that an
//! event of any size needs no buffer.

use super::collect::Collector;
use super::walk::Walker;
use crate::sse::LineEnds;

const MAX_FIELD: usize = 8;
const MAX_NAME: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Data,
    Event,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In front of or in the field's name.
    Name,
    /// Behind the colon, where one space may stand.
    Space(Field),
    /// In the value.
    Value(Field),
}

/// See the module.
#[derive(Debug)]
pub(super) struct StreamLines {
    ends: LineEnds,
    state: State,
    /// The field's name, cut.
    field: Vec<u8>,
    /// The beginning of the value: enough to know `[DONE]` and the event types.
    value: Vec<u8>,
}

impl StreamLines {
    pub(super) fn new() -> Self {
        Self { ends: LineEnds::default(), state: State::Name, field: Vec::new(), value: Vec::new() }
    }

    pub(super) fn push(&mut self, chunk: &[u8], walker: &mut Walker, collector: &mut Collector) {
        let mut rest = chunk;
        loop {
            let skipped = self.ends.finish_crlf(rest);
            rest = rest.get(skipped..).unwrap_or_default();
            let Some((line, after)) = self.ends.split(rest) else { break };
            self.piece(line, walker, collector);
            self.end_line(walker, collector);
            rest = after;
        }
        self.piece(rest, walker, collector);
    }

    fn piece(&mut self, mut piece: &[u8], walker: &mut Walker, collector: &mut Collector) {
        while !piece.is_empty() {
            match self.state {
                State::Name => {
                    let colon = memchr::memchr(b':', piece);
                    keep(
                        &mut self.field,
                        piece.get(..colon.unwrap_or(piece.len())).unwrap_or_default(),
                        MAX_FIELD,
                    );
                    let Some(colon) = colon else { return };
                    self.state = State::Space(match self.field.as_slice() {
                        b"data" => Field::Data,
                        b"event" => Field::Event,
                        _ => Field::Other,
                    });
                    piece = piece.get(colon + 1..).unwrap_or_default();
                }
                State::Space(field) => {
                    self.state = State::Value(field);
                    piece = piece.strip_prefix(b" ").unwrap_or(piece);
                }
                State::Value(field) => {
                    if field != Field::Other {
                        keep(&mut self.value, piece, MAX_NAME);
                    }
                    if field == Field::Data {
                        walker.push(piece, collector);
                    }
                    return;
                }
            }
        }
    }

    /// A line has ended, or the stream has.
    pub(super) fn end_line(&mut self, walker: &mut Walker, collector: &mut Collector) {
        match self.state {
            State::Name if self.field.is_empty() => {
                walker.reset();
                collector.end_event();
            }
            State::Value(Field::Data) => {
                if self.value.trim_ascii() == b"[DONE]" {
                    collector.done();
                }
                walker.push(b"\n", collector);
            }
            State::Value(Field::Event) => collector.name_event(&self.value),
            _ => {}
        }
        self.state = State::Name;
        self.field.clear();
        self.value.clear();
    }
}

fn keep(buffer: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let room = limit.saturating_sub(buffer.len());
    buffer.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
}
