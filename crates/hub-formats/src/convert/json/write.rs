//! From tree to text: compact, with everything but control characters as it is.

use std::io::Write as _;

use super::Json;

impl Json<'_> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(true) => out.extend_from_slice(b"true"),
            Json::Bool(false) => out.extend_from_slice(b"false"),
            Json::Num(text) | Json::Raw(text) => out.extend_from_slice(text.as_bytes()),
            Json::Str(text) => write_str(text, out),
            Json::Arr(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Json::Obj(object) => {
                out.push(b'{');
                for (index, (key, value)) in object.members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_str(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// Bytes that do not stand for themselves inside quotes.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// A text in quotes.
fn write_str(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| SPECIAL[usize::from(byte)]) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => write_number(out, format_args!("\\u{byte:04x}")),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn write_number(out: &mut Vec<u8>, number: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(number);
}

/// A text written member by member, without a tree: for what comes a thousand times in an answer. Keys are
/// ours and need no escapes.
#[derive(Debug)]
pub(crate) struct Line<'o>(pub(crate) &'o mut Vec<u8>);

impl Line<'_> {
    /// What stands there as it is.
    pub(crate) fn raw(self, text: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(text.as_ref());
        self
    }

    /// A value that is a text.
    pub(crate) fn str(self, text: &str) -> Self {
        write_str(text, self.0);
        self
    }

    /// A value that is a number.
    pub(crate) fn num(self, number: u64) -> Self {
        write_number(self.0, format_args!("{number}"));
        self
    }
}
