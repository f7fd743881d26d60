//! Anthropic Messages.

mod decode;
mod decode_parts;
mod decode_tools;
mod encode;
mod encode_parts;
mod encode_thinking;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
