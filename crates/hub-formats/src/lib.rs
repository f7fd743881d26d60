//! The wire formats, without I/O: scanning a request body, editing it in place, the SSE codec, and the tap that
//! reads usage off an answer while its bytes pass.
//!
//! Nothing here builds a tree of a body or keeps one: bodies are forwarded byte for byte, and what the hub needs
//! to know about them is picked up in passing.

pub mod conversation;
pub mod estimate;
mod json;
pub mod scan;
pub mod splice;
pub mod sse;
pub mod tap;
pub mod usage_filter;
