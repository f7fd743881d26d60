//! What a provider's answer does, event by event, as its dialect tells it: not yet in order.

use crate::convert::opaque::Opaque;
use crate::convert::tape::View;

use crate::error::Failure;

#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// Names the answer; what is unknown is empty.
    Start {
        id: &'a str,
    },
    Text(&'a str),
    Reasoning(&'a str),
    /// Seals the reasoning before it, or stands for reasoning that has no text.
    Opaque(Opaque<'a>),
    Refusal(&'a str),
    /// The text or reasoning before it is complete.
    BlockEnd,
    /// A call, or more about it: what is unknown yet is empty.
    ToolStart {
        key: u64,
        id: &'a str,
        name: &'a str,
    },
    ToolArgs {
        key: u64,
        text: &'a str,
    },
    ToolEnd {
        key: u64,
    },
    /// Something that only the provider's dialect has words for: a code of a loss, and a detail or nothing.
    Lost {
        code: &'static str,
        detail: &'a str,
    },
    /// Why the model stopped: from here on the answer counts as complete.
    Finish(Reason),
    /// Nothing follows.
    Last,
    Error(Failure),
}

/// Why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    Stop,
    Tool,
    Length,
    Context,
    /// Claude tells which sequence it was.
    StopSequence(Option<String>),
    Filter,
    Pause,
    /// The model failed.
    Error(String),
}

pub(crate) type Sink<'s> = &'s mut dyn FnMut(Event<'_>);

/// Reads one dialect's answers.
pub(crate) trait Ingest {
    /// One event's data of a stream.
    fn event(&mut self, data: View<'_>, sink: Sink<'_>);
    /// A whole body.
    fn body(&mut self, body: View<'_>, sink: Sink<'_>);
}
