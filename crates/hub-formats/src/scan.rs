//! What the hub needs to know about a request body, found in one pass over its bytes.
//!
//! A member that occurs twice counts with its last value, as the vendors' JSON parsers (Python, JavaScript, Go,
//! Rust's maps) take it; [`RequestFacts::repeated`] tells that it happened, and an edit of the model edits
//! every occurrence, so that no other reading of the body brings back the one before.

mod error;
mod facts;
mod read;

pub use error::{ScanError, ScanErrorKind};
pub use facts::{ConversationSpans, ModelField, RequestFacts, StreamField, UsageOption};
pub use read::scan_request;

/// Levels of objects and lists that a body may have.
pub const MAX_DEPTH: usize = 256;

#[cfg(test)]
mod tests;
