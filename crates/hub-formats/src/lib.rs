//! The wire formats, without I/O: scanning a request body, editing it in place, the SSE codec, and the tap that
//! reads usage off an answer while its bytes pass.
//!
//! Nothing here builds a tree of a body or keeps one: bodies are forwarded byte for byte, and what the hub needs
//! to know about them is picked up in passing. The one exception is [`convert`]: a body that has to be said in
//! another dialect is read into a tree and written anew.

pub mod conversation;
pub mod convert;
pub mod error;
pub mod estimate;
mod json;
pub mod scan;
pub mod splice;
pub mod sse;
pub mod tap;
pub mod usage_filter;
