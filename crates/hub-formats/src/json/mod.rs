//! JSON without trees: a strict cursor over a whole body, string decoding.

mod cursor;
mod text;

pub(crate) use cursor::{Cursor, Member};
pub(crate) use text::{decode_escape, decode_into, decode_lossy, decoded, eq_decoded};
