//! The canonical form of any JSON value: keys sorted, white space gone, texts decoded, numbers as written.
//!
//! An object's members have to be hashed in another order than they are read. So what is nested in an object
//! is hashed by itself where it stands, and its hash stands for it: one pass, however deep.

use std::borrow::Cow;
use std::ops::Range;

use super::canon::{CLOSE, Canon, END, Hash, NESTED};
use super::message::Reader;
use super::object::{Object, string_at};
use crate::json::{Cursor, decoded};
use crate::scan::ScanError;

/// What does not count inside of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ignore {
    /// Everything counts: it is a tool's data.
    Nothing,
    /// Marks for the cache, at any depth.
    CacheControl,
}

enum Value {
    /// A string, number or word, and where it stands.
    Scalar(Range<usize>),
    /// The hash of an object or a list.
    Nested(Hash),
}

impl<'a> Reader<'a> {
    /// Writes the value that stands at `span`.
    pub(super) fn json_at(
        &mut self,
        span: &Range<usize>,
        ignore: Ignore,
        canon: &mut Canon,
    ) -> Result<(), ScanError> {
        self.json(&mut Cursor::within(self.body, span), ignore, canon)
    }

    /// Writes an object without some of its members.
    pub(super) fn object_without(
        &mut self,
        object: &Object<'a>,
        omitted: &[&str],
        canon: &mut Canon,
    ) -> Result<(), ScanError> {
        let mut members = Vec::with_capacity(object.members.len());
        for (raw_key, span) in &object.members {
            let key = decoded(raw_key);
            if !omitted.contains(&&*key) {
                members.push((key, self.value(&mut Cursor::within(self.body, span), Ignore::CacheControl)?));
            }
        }
        self.members(members, canon);
        Ok(())
    }

    fn json(&mut self, cursor: &mut Cursor<'a>, ignore: Ignore, canon: &mut Canon) -> Result<(), ScanError> {
        self.spend()?;
        match cursor.peek() {
            Some(b'{') => {
                let mut members = Vec::new();
                cursor.object(|cursor, member| {
                    self.spend()?;
                    let key = decoded(member.raw_key);
                    if ignore == Ignore::CacheControl && key == "cache_control" {
                        return cursor.value().map(drop);
                    }
                    members.push((key, self.value(cursor, ignore)?));
                    Ok(())
                })?;
                self.members(members, canon);
            }
            Some(b'[') => {
                canon.byte(b'[');
                cursor.list(|cursor| self.json(cursor, ignore, canon))?;
                canon.byte(CLOSE);
            }
            _ => {
                let span = cursor.value()?;
                self.scalar(&span, canon);
            }
        }
        Ok(())
    }

    fn value(&mut self, cursor: &mut Cursor<'a>, ignore: Ignore) -> Result<Value, ScanError> {
        if !matches!(cursor.peek(), Some(b'{' | b'[')) {
            return cursor.value().map(Value::Scalar);
        }
        let mut nested = Canon::new();
        self.json(cursor, ignore, &mut nested)?;
        Ok(Value::Nested(nested.finish()))
    }

    fn members(&self, mut members: Vec<(Cow<'a, str>, Value)>, canon: &mut Canon) {
        // Stable: of equal names the last one is the one that was written last, and it counts.
        members.sort_by(|one, other| one.0.cmp(&other.0));
        canon.byte(b'{');
        let mut rest = members.iter().peekable();
        while let Some((key, value)) = rest.next() {
            if rest.peek().is_some_and(|next| next.0 == *key) {
                continue;
            }
            canon.bytes(key.as_bytes());
            canon.byte(END);
            match value {
                Value::Scalar(span) => self.scalar(span, canon),
                Value::Nested(hash) => {
                    canon.byte(NESTED);
                    canon.bytes(hash);
                }
            }
        }
        canon.byte(CLOSE);
    }

    fn scalar(&self, span: &Range<usize>, canon: &mut Canon) {
        if let Some(inside) = string_at(self.body, span) {
            canon.byte(b'"');
            canon.text(inside);
        } else {
            canon.bytes(self.body.get(span.clone()).unwrap_or_default());
            canon.byte(END);
        }
    }
}
