//! An answer in another dialect than the client's: what came of it is said in the client's words, and waits here
//! until the client takes it.

use bytes::Bytes;

use hub_formats::convert::{AnswerPlan, Converter, End, LossReport, Status, read_count, render_count};
use hub_types::Dialect;

/// The most bytes of an answer that is a number.
const LONGEST_COUNT: usize = 64 << 10;

/// How an answer gets back into the client's words.
pub(crate) enum WayBack {
    /// It is an answer of the model.
    Answer(Box<AnswerPlan>),
    /// It is the number of tokens in a request.
    Count {
        /// The client's dialect.
        client: Dialect,
        /// The provider's.
        upstream: Dialect,
    },
}

impl WayBack {
    /// Does the client get a stream?
    pub(crate) fn is_stream(&self) -> bool {
        match self {
            Self::Answer(plan) => plan.stream,
            Self::Count { .. } => false,
        }
    }
}

/// See the module's documentation.
pub(crate) struct Translation {
    voice: Voice,
    /// Written, and not the client's yet.
    ready: Vec<u8>,
    /// Does the client get a stream?
    is_stream: bool,
    standing: Standing,
}

enum Voice {
    Answer(Box<Converter>),
    Count { client: Dialect, upstream: Dialect, body: Vec<u8> },
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
    pub(crate) fn new(way: WayBack) -> Self {
        let is_stream = way.is_stream();
        let voice = match way {
            WayBack::Answer(plan) => Voice::Answer(Box::new(Converter::new(*plan))),
            WayBack::Count { client, upstream } => Voice::Count { client, upstream, body: Vec::new() },
        };
        Self { voice, ready: Vec::new(), is_stream, standing: Standing::UnderWay }
    }

    /// Takes the upstream's next bytes.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        match &mut self.voice {
            Voice::Answer(converter) => {
                let status = converter.feed(piece, &mut self.ready);
                self.stand(&status);
            }
            Voice::Count { body, .. } if body.len() + piece.len() <= LONGEST_COUNT => {
                body.extend_from_slice(piece);
            }
            Voice::Count { .. } => self.standing = Standing::Failed,
        }
    }

    /// The upstream has nothing more to say.
    pub(super) fn end(&mut self, end: End) {
        match &mut self.voice {
            Voice::Answer(converter) => {
                let status = converter.finish(end, &mut self.ready);
                self.stand(&status);
            }
            Voice::Count { client, upstream, body } if self.standing == Standing::UnderWay => {
                self.standing = match read_count(*upstream, body) {
                    Some(tokens) if end == End::Eof => {
                        self.ready = render_count(*client, tokens);
                        Standing::Done
                    }
                    _ => Standing::Failed,
                };
            }
            Voice::Count { .. } => {}
        }
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

    pub(super) const fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Is it a number, in which no model had a part?
    pub(super) const fn is_count(&self) -> bool {
        matches!(self.voice, Voice::Count { .. })
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
        matches!(&self.voice, Voice::Answer(converter) if converter.failure().is_some())
    }

    /// What of the answer could not be carried so far.
    pub(super) fn losses(&self) -> Option<&LossReport> {
        match &self.voice {
            Voice::Answer(converter) => Some(converter.losses()),
            Voice::Count { .. } => None,
        }
    }
}
