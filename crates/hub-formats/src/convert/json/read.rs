//! Reading a JSON text into a tree.

use super::{Json, Obj};
use crate::json::{Cursor, decoded};
use crate::scan::ScanError;

/// Reads one JSON text. Nesting is bounded as the scanner bounds it, so the recursion is, too.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json<'_>, ScanError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut cursor = Cursor::new(bytes)?;
    let value = read(&mut cursor)?;
    cursor.end()?;
    Ok(value)
}

fn read<'a>(cursor: &mut Cursor<'a>) -> Result<Json<'a>, ScanError> {
    match cursor.peek() {
        Some(b'{') => {
            let start = cursor.position();
            let mut members = Vec::new();
            let end = cursor.object(|cursor, member| {
                members.push((decoded(member.raw_key), read(cursor)?));
                Ok(())
            })?;
            Ok(Json::Obj(Obj { members, raw: cursor.slice(&(start..end + 1)) }))
        }
        Some(b'[') => {
            let mut items = Vec::new();
            cursor.list(|cursor| {
                items.push(read(cursor)?);
                Ok(())
            })?;
            Ok(Json::Arr(items))
        }
        _ => {
            let span = cursor.value()?;
            let raw = cursor.slice(&span);
            Ok(match raw {
                b"null" => Json::Null,
                b"true" => Json::Bool(true),
                b"false" => Json::Bool(false),
                [b'"', inside @ .., b'"'] => Json::Str(decoded(inside)),
                number => Json::Num(String::from_utf8_lossy(number)),
            })
        }
    }
}
