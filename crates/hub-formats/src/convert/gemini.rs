//! Google generateContent, bare or in the wrapper of Code Assist.

mod decode;
mod decode_parts;
mod decode_tools;
mod encode;
mod encode_parts;

pub(crate) use decode::decode;
pub(crate) use encode::encode;
