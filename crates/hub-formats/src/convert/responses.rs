//! OpenAI Responses.

mod decode;
mod decode_items;
mod decode_tools;
mod encode;
mod encode_items;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
