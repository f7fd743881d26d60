//! Server-sent events, without I/O: bytes in, events out, and the other way round.

mod decode;
mod encode;
mod lines;

pub use decode::{Event, MAX_EVENT_BYTES, SseDecoder, SseError};
pub use encode::push_event;
pub(crate) use lines::LineEnds;

#[cfg(test)]
mod tests;
