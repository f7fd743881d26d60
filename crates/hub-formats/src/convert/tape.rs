//! A flat reading of one JSON text, for what comes a thousand times in an answer. Unlike a tree it is read again
//! and again into the same memory: after the first events, reading one allocates nothing.

use std::ops::Range;

use super::json::Json;
use crate::json::{Cursor, decode_into};
use crate::scan::{ScanError, ScanErrorKind};

/// Nodes and decoded texts beyond these are given back after a large event.
const KEPT_NODES: usize = 4096;
const KEPT_TEXT: usize = 64 * 1024;

/// Values in the order of the text; what is inside a container follows it.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    nodes: Vec<Node>,
    /// Texts that had escapes, one after the other.
    decoded: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    True,
    False,
    Num,
    Str,
    Arr,
    Obj,
}

/// Where a text stands: among the decoded ones, or in the JSON itself.
#[derive(Debug, Clone, Copy)]
struct Slice {
    start: u32,
    end: u32,
    is_decoded: bool,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// Of a member; else empty.
    key: Slice,
    /// A text's inside, else everything from the first to the last byte.
    value: Slice,
    /// The first node behind this one and all that is inside it.
    next: u32,
}

const NOTHING: Slice = Slice { start: 0, end: 0, is_decoded: false };

impl Tape {
    /// Reads one JSON text in place of the one before. Nesting is bounded as the scanner bounds it.
    pub(crate) fn read<'t>(&'t mut self, bytes: &'t [u8]) -> Result<View<'t>, ScanError> {
        self.nodes.clear();
        self.nodes.shrink_to(KEPT_NODES);
        self.decoded.clear();
        self.decoded.shrink_to(KEPT_TEXT);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ScanError { kind: ScanErrorKind::InvalidUtf8, offset: error.valid_up_to() })?;
        let mut cursor = Cursor::new(bytes)?;
        self.value(&mut cursor, NOTHING)?;
        cursor.end()?;
        Ok(View { tape: self, text, at: 0 })
    }

    fn value(&mut self, cursor: &mut Cursor<'_>, key: Slice) -> Result<(), ScanError> {
        let first = cursor.peek();
        let (at, start) = (self.nodes.len(), cursor.position());
        self.nodes.push(Node { kind: Kind::Null, key, value: NOTHING, next: 0 });
        let (kind, value) = match first {
            Some(b'{') => {
                let end = cursor.object(|cursor, member| {
                    let key = self.text(member.raw_key, member.start..member.start + member.raw_key.len());
                    self.value(cursor, key)
                })?;
                (Kind::Obj, place(start..end + 1))
            }
            Some(b'[') => {
                cursor.list(|cursor| self.value(cursor, NOTHING))?;
                (Kind::Arr, place(start..cursor.position()))
            }
            _ => {
                let span = cursor.value()?;
                match cursor.slice(&span) {
                    b"null" => (Kind::Null, place(span)),
                    b"true" => (Kind::True, place(span)),
                    b"false" => (Kind::False, place(span)),
                    [b'"', inside @ .., b'"'] => (Kind::Str, self.text(inside, span.start + 1..span.end - 1)),
                    _ => (Kind::Num, place(span)),
                }
            }
        };
        let next = index(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(at) {
            *node = Node { kind, key, value, next };
        }
        Ok(())
    }

    fn text(&mut self, raw: &[u8], span: Range<usize>) -> Slice {
        if memchr::memchr(b'\\', raw).is_none() {
            return place(span);
        }
        let start = self.decoded.len();
        decode_into(raw, &mut self.decoded);
        Slice { is_decoded: true, ..place(start..self.decoded.len()) }
    }
}

fn place(span: Range<usize>) -> Slice {
    Slice { start: index(span.start), end: index(span.end), is_decoded: false }
}

/// Bodies and events are bounded far below this.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// One value of a text that was read. The words are those of [`Json`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'t> {
    tape: &'t Tape,
    text: &'t str,
    at: u32,
}

impl<'t> View<'t> {
    fn node(&self) -> Option<&'t Node> {
        self.tape.nodes.get(self.at as usize)
    }

    fn slice(&self, slice: Slice) -> &'t str {
        let from: &'t str = if slice.is_decoded { &self.tape.decoded } else { self.text };
        from.get(slice.start as usize..slice.end as usize).unwrap_or_default()
    }

    fn children(self, kind: Kind) -> Children<'t> {
        match self.node() {
            Some(node) if node.kind == kind => Children { of: self, at: self.at + 1, end: node.next },
            _ => Children { of: self, at: 0, end: 0 },
        }
    }

    /// A member that is there and not null; of a repeated one the last.
    pub(crate) fn get(self, key: &str) -> Option<View<'t>> {
        self.children(Kind::Obj)
            .filter(|member| member.node().is_some_and(|node| self.slice(node.key) == key))
            .last()
            .filter(|member| member.node().is_some_and(|node| node.kind != Kind::Null))
    }

    /// The items of a list; none if it is something else.
    pub(crate) fn items(self) -> Children<'t> {
        self.children(Kind::Arr)
    }

    /// Is it a list?
    pub(crate) fn is_list(self) -> bool {
        self.node().is_some_and(|node| node.kind == Kind::Arr)
    }

    /// Is it an object with a member?
    pub(crate) fn has_members(self) -> bool {
        self.children(Kind::Obj).next().is_some()
    }

    pub(crate) fn str(self) -> Option<&'t str> {
        self.node().filter(|node| node.kind == Kind::Str).map(|node| self.slice(node.value))
    }

    pub(crate) fn bool(self) -> Option<bool> {
        match self.node()?.kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    /// A whole number that is not negative; a negative one is `None`, a fraction is cut.
    pub(crate) fn u64(self) -> Option<u64> {
        let node = self.node().filter(|node| node.kind == Kind::Num)?;
        Json::Num(self.slice(node.value).into()).u64()
    }

    /// A text member.
    pub(crate) fn str_at(self, key: &str) -> Option<&'t str> {
        self.get(key)?.str()
    }

    /// The value of `type`, or nothing.
    pub(crate) fn kind(self) -> &'t str {
        self.str_at("type").unwrap_or_default()
    }

    /// A container or a number as it was written.
    pub(crate) fn raw_text(self) -> &'t str {
        self.node().map(|node| self.slice(node.value)).unwrap_or_default()
    }

    /// What has nothing in it, for members that are not there.
    pub(crate) fn nothing(self) -> View<'t> {
        View { at: u32::MAX, ..self }
    }

    /// The items of a list member; none if there is no such list.
    pub(crate) fn items_at(self, key: &str) -> Children<'t> {
        self.get(key).unwrap_or(self.nothing()).items()
    }
}

/// What is inside a container.
#[derive(Debug, Clone)]
pub(crate) struct Children<'t> {
    of: View<'t>,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Children<'t> {
    type Item = View<'t>;

    fn next(&mut self) -> Option<View<'t>> {
        if self.at >= self.end {
            return None;
        }
        let child = View { at: self.at, ..self.of };
        self.at = child.node()?.next;
        Some(child)
    }
}

#[cfg(test)]
mod tests {
    use super::Tape;

    #[test]
    fn a_tape_says_what_a_tree_says() {
        let mut tape = Tape::default();
        let text =
            r#"{"a":[1,{"b":"x\ny"},null,[]],"a2":{},"k\u0065y":true,"n":-1,"big":1e3,"s":"é漢","n0":null}"#;
        for _ in 0..2 {
            let view = tape.read(text.as_bytes()).unwrap();
            let items: Vec<_> = view.items_at("a").collect();
            assert_eq!(items.len(), 4);
            assert_eq!(items[0].u64(), Some(1));
            assert_eq!(items[1].str_at("b"), Some("x\ny"));
            assert!(items[3].is_list() && items[3].items().next().is_none());
            assert_eq!(view.get("key").unwrap().bool(), Some(true));
            assert_eq!((view.get("n").unwrap().u64(), view.get("big").unwrap().u64()), (None, Some(1000)));
            assert_eq!(view.str_at("s"), Some("é漢"));
            assert!(view.get("n0").is_none() && view.get("none").is_none());
            assert!(!view.get("a2").unwrap().has_members() && view.has_members());
            assert_eq!(view.get("a").unwrap().raw_text(), r#"[1,{"b":"x\ny"},null,[]]"#);
            assert_eq!(view.items_at("none").count() + view.items_at("s").count(), 0);
        }
    }

    #[test]
    fn of_a_repeated_member_the_last_counts() {
        let mut tape = Tape::default();
        assert_eq!(tape.read(br#"{"a":1,"a":2}"#).unwrap().get("a").unwrap().u64(), Some(2));
        assert!(tape.read(br#"{"a":1,"a":null}"#).unwrap().get("a").is_none());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let mut tape = Tape::default();
        let deep = "[".repeat(100_000);
        for text in ["", "{", "{} {}", "[1,]", "nul", &deep, "\"\\x\""] {
            assert!(tape.read(text.as_bytes()).is_err(), "{text:.20}");
        }
        assert!(tape.read(b"\"\xff\"").is_err());
        assert!(tape.read("\u{feff} {\"a\" : 1 } ".as_bytes()).is_ok());
    }
}
