//! The dialect of OpenAI Responses: readers and writers of its requests and answers.

mod builtin;
mod decode;
mod decode_items;
mod decode_tools;
mod emit;
mod encode;
mod encode_items;
mod ingest;
mod object;

pub(crate) use decode::decode;
pub(crate) use emit::ResponsesEmit;
pub(crate) use encode::encode;
pub(crate) use ingest::ResponsesIngest;
pub(crate) use object::body;
