//! A strict, forward-only reader over one whole JSON text. It checks everything, keeps nothing, and never goes
//! back, so its time is linear in the text; nesting costs one bit a level, not a stack frame.

use std::ops::Range;

use memchr::memchr2;

use crate::scan::{MAX_DEPTH, ScanError, ScanErrorKind};

const WORDS: usize = MAX_DEPTH.div_ceil(64);

/// A position in a text that is known to be UTF-8.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
    /// Containers that the caller is inside of.
    depth: usize,
}

/// What the name of an object's member was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    /// The name as written, without its quotes; escapes are still escapes.
    pub(crate) raw_key: &'a [u8],
    /// Where that begins in the text.
    pub(crate) start: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `bytes`; fails if they are not UTF-8.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, ScanError> {
        match std::str::from_utf8(bytes) {
            Ok(_) => Ok(Self { bytes, pos: 0, depth: 0 }),
            Err(error) => Err(ScanError { kind: ScanErrorKind::InvalidUtf8, offset: error.valid_up_to() }),
        }
    }

    /// In front of a value of a text that was read before; nothing behind the value's end is ever read.
    pub(crate) fn within(bytes: &'a [u8], span: &Range<usize>) -> Self {
        Self { bytes: bytes.get(..span.end).unwrap_or(bytes), pos: span.start, depth: 0 }
    }

    /// The bytes of a span.
    pub(crate) fn slice(&self, span: &Range<usize>) -> &'a [u8] {
        self.bytes.get(span.clone()).unwrap_or_default()
    }

    fn fail<T>(&self, kind: ScanErrorKind) -> Result<T, ScanError> {
        let kind = if self.pos >= self.bytes.len() { ScanErrorKind::UnexpectedEnd } else { kind };
        Err(ScanError { kind, offset: self.pos })
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.pos
    }

    /// The next byte that is not white space, not consumed.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.pos) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.pos += 1;
        }
        None
    }

    /// Only white space may be left.
    pub(crate) fn end(&mut self) -> Result<(), ScanError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail(ScanErrorKind::TrailingData),
        }
    }

    /// Reads an object, calling `on_member` with the cursor in front of each value; `on_member` must consume
    /// exactly that value. Returns the position of the closing brace.
    pub(crate) fn object(
        &mut self,
        mut on_member: impl FnMut(&mut Self, Member<'a>) -> Result<(), ScanError>,
    ) -> Result<usize, ScanError> {
        if self.peek() != Some(b'{') {
            return self.fail(ScanErrorKind::NotAnObject);
        }
        self.enter()?;
        if self.peek() == Some(b'}') {
            return Ok(self.leave());
        }
        loop {
            let (start, raw_key) = self.key()?;
            on_member(self, Member { raw_key, start })?;
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b'}') => return Ok(self.leave()),
                _ => return self.fail(ScanErrorKind::ExpectedCommaOrEnd),
            }
        }
    }

    /// Reads a list, calling `on_item` with the cursor in front of each item; returns their number.
    pub(crate) fn list(
        &mut self,
        mut on_item: impl FnMut(&mut Self) -> Result<(), ScanError>,
    ) -> Result<usize, ScanError> {
        if self.peek() != Some(b'[') {
            return self.fail(ScanErrorKind::ExpectedValue);
        }
        self.enter()?;
        if self.peek() == Some(b']') {
            self.leave();
            return Ok(0);
        }
        let mut items = 0;
        loop {
            on_item(self)?;
            items += 1;
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b']') => {
                    self.leave();
                    return Ok(items);
                }
                _ => return self.fail(ScanErrorKind::ExpectedCommaOrEnd),
            }
        }
    }

    fn enter(&mut self) -> Result<(), ScanError> {
        if self.depth >= MAX_DEPTH {
            return self.fail(ScanErrorKind::TooDeep);
        }
        self.depth += 1;
        self.pos += 1;
        Ok(())
    }

    fn leave(&mut self) -> usize {
        let closing = self.pos;
        self.depth -= 1;
        self.pos += 1;
        closing
    }

    /// Where the name begins, and the name.
    fn key(&mut self) -> Result<(usize, &'a [u8]), ScanError> {
        if self.peek() != Some(b'"') {
            return self.fail(ScanErrorKind::ExpectedKey);
        }
        let start = self.pos + 1;
        self.string()?;
        let key = self.slice(&(start..self.pos - 1));
        if self.peek() != Some(b':') {
            return self.fail(ScanErrorKind::ExpectedColon);
        }
        self.pos += 1;
        Ok((start, key))
    }

    /// Skips one value of any kind and returns where it stood.
    pub(crate) fn value(&mut self) -> Result<Range<usize>, ScanError> {
        self.peek();
        let start = self.pos;
        // One bit for each open container: set = object.
        let mut kinds = [0_u64; WORDS];
        let mut open = 0_usize;
        let base = self.depth;
        loop {
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(bracket @ (b'{' | b'[')) => {
                    if base + open >= MAX_DEPTH {
                        return self.fail(ScanErrorKind::TooDeep);
                    }
                    let bit = 1 << (open % 64);
                    let is_object = bracket == b'{';
                    if let Some(word) = kinds.get_mut(open / 64) {
                        *word = if is_object { *word | bit } else { *word & !bit };
                    }
                    open += 1;
                    self.pos += 1;
                    let next = self.peek();
                    if next != Some(if is_object { b'}' } else { b']' }) {
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return self.fail(ScanErrorKind::ExpectedValue),
            }
            // A value has ended: close what ends with it, until another value is due.
            loop {
                if open == 0 {
                    return Ok(start..self.pos);
                }
                let top = open - 1;
                let is_object = kinds.get(top / 64).is_some_and(|word| word >> (top % 64) & 1 == 1);
                match (self.peek(), is_object) {
                    (Some(b','), true) => {
                        self.pos += 1;
                        self.key()?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.pos += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.pos += 1;
                        open -= 1;
                    }
                    _ => return self.fail(ScanErrorKind::ExpectedCommaOrEnd),
                }
            }
        }
    }

    fn string(&mut self) -> Result<(), ScanError> {
        self.pos += 1;
        loop {
            let rest = self.bytes.get(self.pos..).unwrap_or_default();
            let Some(run) = memchr2(b'"', b'\\', rest) else {
                self.pos = self.bytes.len();
                return self.fail(ScanErrorKind::UnexpectedEnd);
            };
            let (plain, rest) = rest.split_at(run);
            // No early exit, so that the compiler can look at many bytes at once.
            if plain.iter().fold(0_u8, |found, &byte| found | u8::from(byte < 0x20)) != 0 {
                self.pos += plain.iter().position(|&byte| byte < 0x20).unwrap_or(0);
                return self.fail(ScanErrorKind::ControlCharacter);
            }
            self.pos += run;
            match rest {
                [b'"', ..] => {
                    self.pos += 1;
                    return Ok(());
                }
                [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.pos += 2,
                [_, b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => {
                    self.pos += 6;
                }
                _ => return self.fail(ScanErrorKind::BadEscape),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), ScanError> {
        if self.bytes.get(self.pos..).is_some_and(|rest| rest.starts_with(word)) {
            self.pos += word.len();
            return Ok(());
        }
        self.fail(ScanErrorKind::BadLiteral)
    }

    fn number(&mut self) -> Result<(), ScanError> {
        if self.bytes.get(self.pos) == Some(&b'-') {
            self.pos += 1;
        }
        match self.bytes.get(self.pos) {
            Some(b'0') => self.pos += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.fail(ScanErrorKind::BadNumber),
        }
        if self.bytes.get(self.pos) == Some(&b'.') {
            self.pos += 1;
            self.some_digits()?;
        }
        if matches!(self.bytes.get(self.pos), Some(b'e' | b'E')) {
            self.pos += 1;
            if matches!(self.bytes.get(self.pos), Some(b'+' | b'-')) {
                self.pos += 1;
            }
            self.some_digits()?;
        }
        match self.bytes.get(self.pos) {
            Some(b'0'..=b'9') => self.fail(ScanErrorKind::BadNumber),
            _ => Ok(()),
        }
    }

    fn digits(&mut self) {
        while self.bytes.get(self.pos).is_some_and(u8::is_ascii_digit) {
            self.pos += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), ScanError> {
        let start = self.pos;
        self.digits();
        if self.pos == start { self.fail(ScanErrorKind::BadNumber) } else { Ok(()) }
    }
}
