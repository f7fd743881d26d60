//! The dialect of Anthropic Messages: readers and writers of its requests and answers.

mod decode;
mod decode_parts;
mod decode_tools;
mod emit;
mod encode;
mod encode_parts;
mod encode_thinking;
mod ingest;

pub(crate) use decode::decode;
pub(crate) use emit::{ClaudeEmit, body};
pub(crate) use encode::encode;
pub(crate) use ingest::ClaudeIngest;
