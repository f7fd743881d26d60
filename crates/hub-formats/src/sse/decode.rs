//! Reading event streams: from bytes, cut anywhere, to events.

use std::mem;

use thiserror::Error;

use super::LineEnds;

/// The most bytes that one event's data, or one line, may have.
pub const MAX_EVENT_BYTES: usize = 16 * 1024 * 1024;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// One event. Its data lies in the chunk that was pushed, unless it came in several pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; `None` if the event has none.
    pub name: Option<&'a [u8]>,
    /// The `data` lines, joined by LF.
    pub data: &'a [u8],
}

impl Event<'_> {
    /// Is this the `[DONE]` that ends the streams of some vendors? It is not JSON.
    pub fn is_done(&self) -> bool {
        self.data.trim_ascii() == b"[DONE]"
    }
}

/// The stream can't be decoded any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SseError {
    /// An event or a line goes beyond the limit of bytes.
    #[error("an event is larger than {0} bytes")]
    EventTooLarge(usize),
}

/// Where the data of the event in the making is.
#[derive(Debug, Clone, Copy, Default)]
enum Data<'a> {
    /// There was no data line yet.
    #[default]
    None,
    /// One line, inside the chunk that is being pushed.
    Borrowed(&'a [u8]),
    /// In the decoder's own buffer.
    Owned,
}

/// An incremental decoder. Events come out the same however the bytes are cut. After an error it stays silent.
#[derive(Debug)]
pub struct SseDecoder {
    max_event_bytes: usize,
    ends: LineEnds,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Data lines of the current event that could not stay where they were.
    data: Vec<u8>,
    has_data: bool,
    name: Vec<u8>,
    has_name: bool,
    /// No line has been completed yet, so a byte order mark may stand at its beginning.
    at_start: bool,
    failed: Option<SseError>,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl SseDecoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }

    /// A decoder with another limit on an event's bytes.
    pub fn with_limit(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            ends: LineEnds::default(),
            partial: Vec::new(),
            data: Vec::new(),
            has_data: false,
            name: Vec::new(),
            has_name: false,
            at_start: true,
            failed: None,
        }
    }

    /// Takes the next bytes and hands out every event that they complete.
    pub fn push(&mut self, chunk: &[u8], mut on_event: impl FnMut(Event<'_>)) -> Result<(), SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.lines(chunk, &mut on_event);
        self.failed = result.err();
        result
    }

    fn lines(&mut self, chunk: &[u8], on_event: &mut impl FnMut(Event<'_>)) -> Result<(), SseError> {
        let mut rest = chunk;
        let mut data = if self.has_data { Data::Owned } else { Data::None };
        loop {
            let skipped = self.ends.finish_crlf(rest);
            rest = rest.get(skipped..).unwrap_or_default();
            let Some((line, after)) = self.ends.split(rest) else { break };
            rest = after;
            if self.partial.is_empty() {
                self.line(line, &mut data, on_event)?;
            } else {
                // The joined line lives only for this turn, so its data moves to the decoder's buffer.
                if let Data::Borrowed(line) = data {
                    self.keep(line);
                }
                let mut joined = mem::take(&mut self.partial);
                joined.extend_from_slice(line);
                let result = self.joined_line(&joined, on_event);
                data = if self.has_data { Data::Owned } else { Data::None };
                joined.clear();
                self.partial = joined;
                result?;
            }
        }
        if let Data::Borrowed(line) = data {
            self.keep(line);
        }
        self.check(self.partial.len() + rest.len())?;
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// Like [`Self::line`], for a line that does not outlive the call.
    fn joined_line(&mut self, line: &[u8], on_event: &mut impl FnMut(Event<'_>)) -> Result<(), SseError> {
        let mut data = if self.has_data { Data::Owned } else { Data::None };
        self.line(line, &mut data, on_event)?;
        if let Data::Borrowed(line) = data {
            self.keep(line);
        }
        Ok(())
    }

    fn line<'a>(
        &mut self,
        line: &'a [u8],
        data: &mut Data<'a>,
        on_event: &mut impl FnMut(Event<'_>),
    ) -> Result<(), SseError> {
        let borrowed = if let Data::Borrowed(line) = data { line.len() + 1 } else { 0 };
        self.check(borrowed + line.len())?;
        let line = if mem::take(&mut self.at_start) { line.strip_prefix(BOM).unwrap_or(line) } else { line };
        if line.is_empty() {
            self.dispatch(mem::take(data), on_event);
            return Ok(());
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => {
                let value = line.get(colon + 1..).unwrap_or_default();
                (line.get(..colon).unwrap_or_default(), value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &[][..]),
        };
        match field {
            b"data" => match mem::take(data) {
                Data::None => *data = Data::Borrowed(value),
                Data::Borrowed(first) => {
                    self.keep(first);
                    self.keep(value);
                    *data = Data::Owned;
                }
                Data::Owned => {
                    self.keep(value);
                    *data = Data::Owned;
                }
            },
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
                self.has_name = true;
            }
            // A comment (empty name), `id`, `retry`, or something unknown.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, data: Data<'_>, on_event: &mut impl FnMut(Event<'_>)) {
        let name = self.has_name.then_some(self.name.as_slice());
        match data {
            Data::None => {}
            Data::Borrowed(data) => on_event(Event { name, data }),
            Data::Owned => on_event(Event { name, data: &self.data }),
        }
        self.data.clear();
        // One large event must not hold its memory for the rest of a long stream.
        self.data.shrink_to(64 * 1024);
        self.partial.shrink_to(64 * 1024);
        self.name.clear();
        (self.has_data, self.has_name) = (false, false);
    }

    fn keep(&mut self, line: &[u8]) {
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(line);
        self.has_data = true;
    }

    fn check(&self, more: usize) -> Result<(), SseError> {
        let kept = if self.has_data { self.data.len() + 1 } else { 0 };
        if kept + more > self.max_event_bytes {
            return Err(SseError::EventTooLarge(self.max_event_bytes));
        }
        Ok(())
    }

    /// The stream has ended: hands out the last event if its blank line never came.
    pub fn finish(&mut self, mut on_event: impl FnMut(Event<'_>)) -> Result<(), SseError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let line = mem::take(&mut self.partial);
        if !line.is_empty() {
            self.joined_line(&line, &mut on_event)?;
        }
        let data = if self.has_data { Data::Owned } else { Data::None };
        self.dispatch(data, &mut on_event);
        Ok(())
    }
}
