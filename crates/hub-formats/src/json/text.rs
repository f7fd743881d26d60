//! Decoding the inside of JSON strings.

use std::borrow::Cow;

/// The text of a string's inside (without quotes). Never fails: a lone surrogate, a broken escape or a byte
/// that is not UTF-8 becomes U+FFFD, so that it also serves texts that were cut short.
pub(crate) fn decode_lossy(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    decode_into(raw, &mut text);
    text
}

/// The same, borrowed where there is nothing to decode.
pub(crate) fn decoded(raw: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw).is_some() {
        return Cow::Owned(decode_lossy(raw));
    }
    // Nearly all texts are sound, and this way of looking is many times as fast.
    std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw), Cow::Borrowed)
}

/// The same, behind a text that is there already.
pub(crate) fn decode_into(raw: &[u8], text: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        text.push_str(&String::from_utf8_lossy(plain));
        let (decoded, used) = decode_escape(escape);
        text.push(decoded);
        rest = escape.get(used..).unwrap_or_default();
    }
    text.push_str(&String::from_utf8_lossy(rest));
}

/// Does the inside of a string say `wanted`? Allocates only if there is an escape in it.
pub(crate) fn eq_decoded(raw: &[u8], wanted: &str) -> bool {
    raw == wanted.as_bytes() || (raw.contains(&b'\\') && decode_lossy(raw) == wanted)
}

/// The character that an escape stands for, and how many bytes it takes; `escape` begins with a backslash.
pub(crate) fn decode_escape(escape: &[u8]) -> (char, usize) {
    let simple = match escape.get(1) {
        Some(b'u') => return decode_unicode(escape),
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
        // Not an escape: one mark for the backslash; what follows speaks for itself.
        _ => return (char::REPLACEMENT_CHARACTER, 1),
    };
    (simple, 2)
}

fn decode_unicode(escape: &[u8]) -> (char, usize) {
    let Some(first) = hex4(escape.get(2..6)) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    if let Some(character) = char::from_u32(first) {
        return (character, 6);
    }
    let low = match escape.get(6..8) {
        Some(b"\\u") if first < 0xDC00 => hex4(escape.get(8..12)),
        _ => None,
    };
    match low {
        Some(low @ 0xDC00..=0xDFFF) => {
            let code = 0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

fn hex4(digits: Option<&[u8]>) -> Option<u32> {
    let digits = digits?;
    digits.iter().try_fold(0_u32, |code, &digit| Some(code << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::{decode_lossy, eq_decoded};

    #[test]
    fn escapes_decode_as_a_json_parser_decodes_them() {
        for raw in [r"plain", r#"a\n\t\"\\\/\b\f\rz"#, r"\u0065\u00e9", r"\ud83d\ude00!", "é漢😀"] {
            let expected: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
            assert_eq!(decode_lossy(raw.as_bytes()), expected);
        }
        assert!(eq_decoded(br"mod\u0065l", "model"));
        assert!(!eq_decoded(b"mode", "model"));
    }

    #[test]
    fn broken_text_is_marked_not_refused() {
        for (raw, text) in [
            (r"\ud83d", "\u{fffd}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"a\", "a\u{fffd}"),
            (r"\u12", "\u{fffd}12"),
        ] {
            assert_eq!(decode_lossy(raw.as_bytes()), text);
        }
        assert_eq!(decode_lossy(b"a\xffb"), "a\u{fffd}b");
    }
}
