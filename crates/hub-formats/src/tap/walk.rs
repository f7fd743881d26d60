//! A lenient JSON walker that takes its text in pieces of any size. It follows the members that the schema
//! names, reports them to a sink, and skips the rest without looking closer; memory is bounded whatever comes.

use memchr::memchr2;

use super::schema::{self, Node};
use crate::estimate::TextCount;
use crate::json::decoded;

/// Longest member name that can matter, escapes included.
const MAX_KEY: usize = 128;
/// Bytes kept of a scalar: enough for an error message.
const MAX_SCALAR: usize = 2048;
/// Levels followed; the schema is not deeper.
const MAX_LEVELS: usize = 24;

/// Receives what the walker finds.
pub(super) trait Sink {
    /// A number, word or string other than model text has ended; a string comes decoded and perhaps cut.
    fn scalar(&mut self, node: Node, text: &str, is_string: bool);
    /// A piece of model text has come.
    fn text(&mut self, node: Node, count: TextCount);
    /// A JSON value that the model wrote begins (an empty piece) or goes on.
    fn blob(&mut self, node: Node, piece: &[u8]);
    /// The object at [`Node::Root`] is complete.
    fn root_closed(&mut self);
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    node: Node,
    is_object: bool,
    expects_key: bool,
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Key,
    Scalar(Node),
    Text(Node),
    Skipped,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Between tokens.
    Between,
    /// In a string; `escape` counts the bytes of an escape so far (0 = not in one).
    Str { role: Role, escape: u8, unicode: bool, code: u16 },
    /// In a number or word.
    Word(Option<Node>),
    /// In a container that does not matter, or that only counts.
    Skip { depth: u64, in_string: bool, escaped: bool, counted: Option<Node> },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Walker {
    stack: Vec<Frame>,
    state: State,
    /// What the member name just read leads to.
    pending: Option<Node>,
    /// The bytes of a key or scalar; longer ones are cut.
    captured: Vec<u8>,
    overflow: bool,
    /// A value at the top level has ended.
    ended: bool,
}

impl Walker {
    pub(super) fn new() -> Self {
        Self {
            stack: Vec::with_capacity(MAX_LEVELS),
            state: State::Between,
            pending: None,
            captured: Vec::new(),
            overflow: false,
            ended: false,
        }
    }

    /// Forgets everything, for the next text.
    pub(super) fn reset(&mut self) {
        self.stack.clear();
        self.captured.clear();
        (self.state, self.pending, self.overflow, self.ended) = (State::Between, None, false, false);
    }

    /// Has a whole object or list been read?
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Bytes of memory that the walker holds for captured text.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.captured.capacity()
    }

    pub(super) fn push(&mut self, piece: &[u8], sink: &mut impl Sink) {
        let mut rest = piece;
        while !rest.is_empty() {
            let used = match self.state {
                State::Between => self.between(rest, sink),
                State::Str { role, escape: 0, .. } => self.string(rest, role, sink),
                State::Str { role, escape, unicode, code } => {
                    self.escape(rest, role, (escape, unicode, code), sink);
                    1
                }
                State::Word(node) => self.word(rest, node, sink),
                State::Skip { depth, in_string, escaped, counted } => {
                    self.skip(rest, (depth, in_string, escaped), counted, sink)
                }
            };
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    fn between(&mut self, rest: &[u8], sink: &mut impl Sink) -> usize {
        let Some(&byte) = rest.first() else { return 0 };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b':' => {}
            b',' => {
                if let Some(frame) = self.stack.last_mut() {
                    frame.expects_key = frame.is_object;
                }
                self.pending = None;
            }
            b'}' | b']' => self.close(sink),
            b'{' | b'[' => self.open(byte == b'{', sink),
            b'"' => {
                let expects_key = self.stack.last().is_some_and(|frame| frame.expects_key);
                let role = if expects_key { Role::Key } else { string_role(self.value_node()) };
                self.captured.clear();
                self.overflow = false;
                self.state = State::Str { role, escape: 0, unicode: false, code: 0 };
            }
            _ => {
                self.captured.clear();
                self.overflow = false;
                self.state = State::Word(self.value_node());
                return 0;
            }
        }
        1
    }

    /// What the value that begins here is, if it matters.
    fn value_node(&self) -> Option<Node> {
        match self.stack.last() {
            None => Some(Node::Root),
            Some(frame) if frame.is_object => self.pending,
            // Only the outermost list may hold roots.
            Some(frame) if frame.node == Node::Root && self.stack.len() > 1 => None,
            Some(frame) => schema::item(frame.node),
        }
    }

    fn open(&mut self, is_object: bool, sink: &mut impl Sink) {
        match self.value_node() {
            Some(node @ (Node::Blob | Node::CallInput)) => {
                sink.blob(node, &[]);
                self.state = State::Skip { depth: 1, in_string: false, escaped: false, counted: Some(node) };
            }
            Some(node) if self.stack.len() < MAX_LEVELS => {
                self.stack.push(Frame { node, is_object, expects_key: is_object });
                self.pending = None;
            }
            _ => self.state = State::Skip { depth: 1, in_string: false, escaped: false, counted: None },
        }
    }

    fn close(&mut self, sink: &mut impl Sink) {
        self.pending = None;
        if let Some(frame) = self.stack.pop() {
            if frame.node == Node::Root && frame.is_object {
                sink.root_closed();
            }
            self.ended |= self.stack.is_empty();
        }
    }

    fn string(&mut self, rest: &[u8], role: Role, sink: &mut impl Sink) -> usize {
        let run = memchr2(b'"', b'\\', rest);
        let plain = rest.get(..run.unwrap_or(rest.len())).unwrap_or_default();
        match role {
            Role::Key | Role::Scalar(_) => self.capture(role, plain),
            Role::Text(node) if !plain.is_empty() => sink.text(node, TextCount::of(plain)),
            Role::Text(_) | Role::Skipped => {}
        }
        let Some(run) = run else { return rest.len() };
        if rest.get(run) == Some(&b'\\') {
            if matches!(role, Role::Key | Role::Scalar(_)) {
                self.capture(role, b"\\");
            }
            self.state = State::Str { role, escape: 1, unicode: false, code: 0 };
        } else {
            self.state = State::Between;
            self.string_ended(role, sink);
        }
        run + 1
    }

    fn string_ended(&mut self, role: Role, sink: &mut impl Sink) {
        match role {
            Role::Key => {
                if let Some(frame) = self.stack.last_mut() {
                    frame.expects_key = false;
                    self.pending = if self.overflow {
                        None
                    } else {
                        schema::member(frame.node, &decoded(&self.captured))
                    };
                }
            }
            Role::Scalar(node) => sink.scalar(node, &decoded(&self.captured), true),
            Role::Text(_) | Role::Skipped => {}
        }
    }

    /// One byte of an escape; `progress` = bytes so far, is it `\u`, its digits.
    fn escape(&mut self, rest: &[u8], role: Role, progress: (u8, bool, u16), sink: &mut impl Sink) {
        let Some(&byte) = rest.first() else { return };
        let (escape, unicode, code) = progress;
        if matches!(role, Role::Key | Role::Scalar(_)) {
            self.capture(role, &[byte]);
        }
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).unwrap_or(0);
        let code = if escape > 1 { code << 4 | digit } else { 0 };
        let unicode = unicode || (escape == 1 && byte == b'u');
        if unicode && escape < 5 {
            self.state = State::Str { role, escape: escape + 1, unicode, code };
            return;
        }
        self.state = State::Str { role, escape: 0, unicode: false, code: 0 };
        if let Role::Text(node) = role
            && let Some(character) = meant(unicode, byte, code)
        {
            sink.text(node, TextCount::of(character.encode_utf8(&mut [0; 4]).as_bytes()));
        }
    }

    fn word(&mut self, rest: &[u8], node: Option<Node>, sink: &mut impl Sink) -> usize {
        let ends = |byte: &u8| {
            matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']')
        };
        let end = rest.iter().position(ends);
        let plain = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(node) = node {
            self.capture(Role::Scalar(node), plain);
        }
        if end.is_some() {
            self.state = State::Between;
            if let Some(node) = node {
                sink.scalar(node, &decoded(&self.captured), false);
            }
        }
        plain.len()
    }

    fn skip(
        &mut self,
        rest: &[u8],
        (mut depth, mut in_string, mut escaped): (u64, bool, bool),
        counted: Option<Node>,
        sink: &mut impl Sink,
    ) -> usize {
        let mut used = 0;
        while let Some(&byte) = rest.get(used) {
            if escaped {
                escaped = false;
                used += 1;
                continue;
            }
            if in_string {
                let Some(run) = memchr2(b'"', b'\\', rest.get(used..).unwrap_or_default()) else {
                    used = rest.len();
                    break;
                };
                escaped = rest.get(used + run) == Some(&b'\\');
                in_string = escaped;
                used += run + 1;
                continue;
            }
            used += 1;
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        if let Some(node) = counted {
            sink.blob(node, rest.get(..used).unwrap_or_default());
        }
        self.state =
            if depth == 0 { State::Between } else { State::Skip { depth, in_string, escaped, counted } };
        used
    }

    fn capture(&mut self, role: Role, bytes: &[u8]) {
        let limit = if matches!(role, Role::Key) { MAX_KEY } else { MAX_SCALAR };
        let room = limit.saturating_sub(self.captured.len());
        self.overflow |= bytes.len() > room;
        self.captured.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
    }
}

fn string_role(node: Option<Node>) -> Role {
    match node {
        Some(node @ (Node::Text | Node::Delta)) => Role::Text(node),
        Some(node) => Role::Scalar(node),
        None => Role::Skipped,
    }
}

/// The character of an escape as far as counting goes.
fn meant(unicode: bool, byte: u8, code: u16) -> Option<char> {
    match (unicode, byte, code) {
        // Which character a pair makes does not matter, so its first half stands for it.
        (true, _, 0xD800..0xDC00) => Some('\u{1F600}'),
        (true, ..) => char::from_u32(code.into()),
        (false, b'n', _) => Some('\n'),
        (false, b't', _) => Some('\t'),
        (false, b'r', _) => Some('\r'),
        (false, ..) => Some(char::from(byte)).filter(char::is_ascii),
    }
}
