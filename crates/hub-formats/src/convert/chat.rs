//! The dialect of OpenAI Chat Completions: readers and writers of its requests and answers.

mod decode;
mod decode_messages;
mod decode_tools;
mod emit;
mod encode;
mod encode_messages;
mod ingest;

pub(crate) use decode::decode;
pub(crate) use decode_messages::{file, wrap_input};
pub(crate) use decode_tools::{custom, function, named};
pub(crate) use emit::{ChatEmit, body};
pub(crate) use encode::encode;
pub(crate) use encode_messages::file_name;
pub(crate) use ingest::ChatIngest;
