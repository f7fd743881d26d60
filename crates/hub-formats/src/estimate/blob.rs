//! What stands in a body but is not read as text: pictures, files, sealed reasoning.

/// Tokens of a picture: what Claude charges for one that fills its usual size (1568 pixels), about OpenAI's
/// for a large one and Gemini's for six tiles. The hub does not look into pictures.
pub(super) const IMAGE: u64 = 1_600;
/// The most that a vendor charges for one (Claude from 4.7 on, at full resolution).
pub(super) const IMAGE_AT_MOST: u64 = 4_800;
/// Bytes of base64 for a token of a PDF or a recording: a guess, a page of 75 KB being about 2300 tokens.
const FILE_BYTES_PER_TOKEN: u64 = 32;
/// Sealed reasoning is as long as the text in it, written in base64: four bytes a token, a third more for base64.
const SEALED: (u64, u64) = (3, 16);
/// How the usual pictures begin in base64: PNG, JPEG, GIF, WebP.
const PICTURES: [&[u8]; 4] = [b"iVBORw0KGgo", b"/9j/", b"R0lGOD", b"UklGR"];
/// Enough of a value to see that it is base64.
const LOOK: usize = 64;

/// What a value under a name like `data` or `url` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blob {
    /// A picture, in place or by address.
    Image,
    /// Another file with so many tokens.
    File(u64),
    /// Text after all.
    Text,
}

/// Judges by how the value begins, as its media type may stand before or behind it.
pub(super) fn judge(raw: &[u8]) -> Blob {
    if let Some(declared) = raw.strip_prefix(b"data:") {
        return if declared.starts_with(b"image") { Blob::Image } else { file(raw) };
    }
    // An address tells nothing about what it leads to; most lead to pictures.
    if [&b"http://"[..], b"https://", b"gs://"].into_iter().any(|scheme| raw.starts_with(scheme)) {
        return Blob::Image;
    }
    if PICTURES.into_iter().any(|picture| raw.starts_with(picture)) {
        return Blob::Image;
    }
    match raw.get(..LOOK) {
        Some(start) if start.iter().all(|&byte| is_base64(byte)) => file(raw),
        _ => Blob::Text,
    }
}

/// Tokens of sealed reasoning (`encrypted_content`).
pub(super) fn sealed(raw: &[u8]) -> u64 {
    let (tokens, bytes) = SEALED;
    (raw.len() as u64).saturating_mul(tokens) / bytes
}

fn file(raw: &[u8]) -> Blob {
    Blob::File((raw.len() as u64).div_ceil(FILE_BYTES_PER_TOKEN))
}

/// Both alphabets; a slash may be escaped.
const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'\\')
}
