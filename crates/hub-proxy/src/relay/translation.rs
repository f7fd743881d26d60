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
    standing: Standing,
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

impl Translation {
    pub(crate) fn new(plan: AnswerPlan) -> Self {
        let is_stream = plan.stream;
        Self { converter: Converter::new(plan), ready: Vec::new(), is_stream, standing: Standing::UnderWay }
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
        (!self.ready.is_empty()).then(|| std::mem::take(&mut self.ready).into())
    }

    pub(crate) const fn is_stream(&self) -> bool {
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
