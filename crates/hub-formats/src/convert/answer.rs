//! Answers on their way back: events out of the provider's dialect, put in order, written in the client's.

mod any;
mod arrange;
mod collect;
mod convert;
mod event;
mod failure;
mod list;
mod said;

pub use convert::{Converter, End, Status, StreamConverter, convert_body};
pub use failure::{ErrorClass, Failure};
pub use said::{read_failure, render_failure, render_refusal};

pub(crate) use arrange::{Emit, Finish, Head, Unit};
pub(crate) use collect::{Answer, Done};
pub(crate) use event::{Event, Ingest, Reason, Sink};
