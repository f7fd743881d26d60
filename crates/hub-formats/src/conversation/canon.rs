//! The hasher that canonical forms are written to.
//!
//! The marks are bytes that never occur in UTF-8, so that no text can imitate the end of itself or the
//! beginning of something else.

use memchr::memchr;
use sha2::{Digest, Sha256};

use crate::json::decode_escape;

/// A SHA-256 in full.
pub(super) type Hash = [u8; 32];

/// The end of a text, a number or a word.
pub(super) const END: u8 = 0xFF;
/// The end of a list or an object.
pub(super) const CLOSE: u8 = 0xFE;
/// A hash follows, in the place of a nested value.
pub(super) const NESTED: u8 = 0xFD;
/// An unknown part follows as JSON.
pub(super) const OTHER: u8 = 0xFC;
/// A tool's result follows.
pub(super) const RESULT: u8 = 0xFB;
/// A call of a tool follows.
pub(super) const CALL: u8 = 0xFA;
/// An image's hash follows.
pub(super) const IMAGE: u8 = 0xF9;
/// A text follows.
pub(super) const TEXT: u8 = 0xF8;
/// A name follows.
pub(super) const NAME: u8 = 0xF7;
/// The hash of the message before follows.
pub(super) const PREVIOUS: u8 = 0xF6;
/// The hash of the system prompt follows.
pub(super) const SYSTEM: u8 = 0xF5;
/// Something is not there.
pub(super) const ABSENT: u8 = 0xC0;

/// Small pieces are gathered before they are hashed.
const GATHERED: usize = 256;

/// See the module.
pub(super) struct Canon {
    sha: Sha256,
    gathered: [u8; GATHERED],
    len: usize,
}

impl Canon {
    pub(super) fn new() -> Self {
        Self { sha: Sha256::new(), gathered: [0; GATHERED], len: 0 }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if self.len + bytes.len() > GATHERED {
            self.flush();
            if bytes.len() > GATHERED / 2 {
                self.sha.update(bytes);
                return;
            }
        }
        if let Some(room) = self.gathered.get_mut(self.len..self.len + bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    /// The inside of a JSON string, decoded.
    pub(super) fn decoded(&mut self, inside: &[u8]) {
        let mut rest = inside;
        while let Some(at) = memchr(b'\\', rest) {
            let (plain, escape) = rest.split_at(at);
            self.bytes(plain);
            let (character, used) = decode_escape(escape);
            self.bytes(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = escape.get(used..).unwrap_or_default();
        }
        self.bytes(rest);
    }

    /// The inside of a JSON string, decoded, and its end.
    pub(super) fn text(&mut self, inside: &[u8]) {
        self.decoded(inside);
        self.byte(END);
    }

    fn flush(&mut self) {
        self.sha.update(self.gathered.get(..self.len).unwrap_or_default());
        self.len = 0;
    }

    pub(super) fn finish(mut self) -> Hash {
        self.flush();
        self.sha.finalize().into()
    }
}
