//! The dialect of Google generateContent, bare or in the wrapper of Code Assist: readers and writers.

mod decode;
mod decode_parts;
mod decode_tools;
mod emit;
mod encode;
mod encode_parts;
mod ingest;
mod open_calls;

pub(crate) use decode::decode;
pub(crate) use emit::{GeminiEmit, body};
pub(crate) use encode::encode;
pub(crate) use ingest::GeminiIngest;
