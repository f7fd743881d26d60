//! Answers on their way back: events out of the provider's dialect, put in order, written in the client's.

mod any;
mod arrange;
mod collect;
mod convert;
mod event;
mod list;

pub use convert::{Converter, End, Status};

pub(crate) use arrange::{Emit, Finish, Head, Unit};
pub(crate) use collect::{Answer, Done};
pub(crate) use event::{Event, Ingest, Reason, Sink};
