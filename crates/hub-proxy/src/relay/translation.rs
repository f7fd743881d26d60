//! An answer in another dialect than the client's: what came of it is said in the client's words, and waits here
//! until the client takes it.

use bytes::Bytes;

use hub_formats::convert::{AnswerPlan, Converter, End, Status, StreamConverter};

/// See the module's documentation.
pub(crate) struct Translation {
    converter: Converter,
    /// Written, and not the client's yet.
    ready: Vec<u8>,
    /// Does the client get a stream?
    is_stream: bool,
    list: Option<List>,
    standing: Standing,
}

/// Gemini's stream in the form of a JSON list.
#[derive(Debug, Default)]
struct List {
    has_begun: bool,
    has_ended: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    UnderWay,
    /// It can't be said, and nothing has been.
    Failed,
    /// Nothing follows.
    Done,
}

impl List {
    /// Whole events, as members of the list. The converter writes the data of each in one line.
    fn frame(&mut self, events: &[u8], is_last: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(events.len());
        let lines = events.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: "));
        for data in lines {
            out.extend_from_slice(if self.has_begun { b",\r\n" } else { b"[" });
            out.extend_from_slice(data);
            self.has_begun = true;
        }
        if is_last && !self.has_ended {
            out.extend_from_slice(if self.has_begun { b"]" } else { b"[]" });
            self.has_ended = true;
        }
        out
    }
}

impl Translation {
    /// `as_list`: a client of Gemini's dialect wants its stream as a JSON list.
    pub(crate) fn new(plan: AnswerPlan, as_list: bool) -> Self {
        let is_stream = plan.stream;
        let list = as_list.then(List::default);
        Self {
            converter: Converter::new(plan),
            ready: Vec::new(),
            is_stream,
            list,
            standing: Standing::UnderWay,
        }
    }

    /// Takes the upstream's next bytes.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        let status = self.converter.feed(piece, &mut self.ready);
        self.stand(&status);
    }

    /// The upstream has nothing more to say.
    pub(super) fn end(&mut self, end: End) {
        let status = self.converter.finish(end, &mut self.ready);
        self.stand(&status);
    }

    fn stand(&mut self, status: &Status) {
        self.standing = match status {
            Status::NeedMore => Standing::UnderWay,
            Status::Failed(_) => Standing::Failed,
            Status::Done => Standing::Done,
        };
    }

    /// What the client gets next, if there is something.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        if self.ready.is_empty() {
            return None;
        }
        let ready = std::mem::take(&mut self.ready);
        let is_last = self.standing == Standing::Done;
        Some(match &mut self.list {
            Some(list) => list.frame(&ready, is_last).into(),
            None => ready.into(),
        })
    }

    pub(super) const fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Bytes that wait.
    pub(super) const fn waiting(&self) -> usize {
        self.ready.len()
    }

    /// It can't be said, and nothing has been: another provider may do better.
    pub(super) fn is_hopeless(&self) -> bool {
        self.standing == Standing::Failed
    }

    /// Nothing follows. If something went wrong, the client has been told.
    pub(super) fn is_done(&self) -> bool {
        self.standing == Standing::Done
    }

    /// Has anything gone wrong?
    pub(super) fn went_wrong(&self) -> bool {
        self.converter.failure().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    #[test]
    fn events_become_the_members_of_one_list() {
        let mut list = List::default();
        let mut out = list.frame(b"data: {\"a\":1}\n\ndata: {\"b\":2}\n\n", false);
        out.extend(list.frame(b"data: {\"c\":3}\n\n", true));
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read, serde_json::json!([{"a": 1}, {"b": 2}, {"c": 3}]));
        assert_eq!(List::default().frame(b"", true), b"[]");
    }
}
