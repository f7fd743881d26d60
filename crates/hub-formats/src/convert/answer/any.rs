//! The reader and the writer of one answer, whatever their dialects.

use hub_types::Dialect;

use super::{Answer, Emit, Finish, Head, Ingest, Unit};
use crate::convert::chat::{ChatEmit, ChatIngest};
use crate::convert::claude::{ClaudeEmit, ClaudeIngest};
use crate::convert::gemini::{GeminiEmit, GeminiIngest};
use crate::convert::opaque::Opaque;
use crate::convert::plan::AnswerPlan;
use crate::convert::responses::{ResponsesEmit, ResponsesIngest};
use crate::error::Failure;

#[derive(Debug)]
pub(super) enum AnyIngest {
    Claude(ClaudeIngest),
    Chat(ChatIngest),
    Responses(ResponsesIngest),
    Gemini(GeminiIngest),
}

impl AnyIngest {
    /// Reads one of several answers.
    pub(super) fn new(upstream: Dialect, choice: u64) -> Self {
        match upstream {
            Dialect::Claude => Self::Claude(ClaudeIngest),
            Dialect::OpenAi => Self::Chat(ChatIngest::of(choice)),
            Dialect::Responses => Self::Responses(ResponsesIngest::default()),
            Dialect::Gemini | Dialect::GeminiCli => Self::Gemini(GeminiIngest::of(choice)),
        }
    }

    pub(super) fn get(&mut self) -> &mut dyn Ingest {
        match self {
            Self::Claude(ingest) => ingest,
            Self::Chat(ingest) => ingest,
            Self::Responses(ingest) => ingest,
            Self::Gemini(ingest) => ingest,
        }
    }
}

#[derive(Debug)]
pub(super) enum AnyEmit {
    Claude(ClaudeEmit),
    Chat(ChatEmit),
    Responses(Box<ResponsesEmit>),
    Gemini(GeminiEmit),
    Body(Answer),
}

impl AnyEmit {
    /// Writes what the client asked for.
    pub(super) fn new(plan: &AnswerPlan) -> Self {
        match plan.client {
            _ if !plan.stream => Self::Body(Answer::default()),
            Dialect::Claude => Self::Claude(ClaudeEmit::new(plan.clone())),
            Dialect::OpenAi => Self::Chat(ChatEmit::new(plan.clone())),
            Dialect::Responses => Self::Responses(Box::new(ResponsesEmit::new(plan.clone()))),
            Dialect::Gemini | Dialect::GeminiCli => Self::Gemini(GeminiEmit::new(plan.clone())),
        }
    }

    fn get(&mut self) -> &mut dyn Emit {
        match self {
            Self::Claude(emit) => emit,
            Self::Chat(emit) => emit,
            Self::Responses(emit) => emit.as_mut(),
            Self::Gemini(emit) => emit,
            Self::Body(emit) => emit,
        }
    }
}

impl Emit for AnyEmit {
    fn start(&mut self, head: &Head, out: &mut Vec<u8>) {
        self.get().start(head, out);
    }
    fn open(&mut self, unit: &Unit, out: &mut Vec<u8>) {
        self.get().open(unit, out);
    }
    fn delta(&mut self, text: &str, out: &mut Vec<u8>) {
        self.get().delta(text, out);
    }
    fn seal(&mut self, opaque: &Opaque<'_>, out: &mut Vec<u8>) {
        self.get().seal(opaque, out);
    }
    fn close(&mut self, out: &mut Vec<u8>) {
        self.get().close(out);
    }
    fn end(&mut self, finish: &Finish, out: &mut Vec<u8>) {
        self.get().end(finish, out);
    }
    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        self.get().fail(failure, out);
    }
}
