//! An object's members, found in one pass, whatever their order.

use std::ops::Range;

use smallvec::SmallVec;

use super::message::Reader;
use crate::json::{Cursor, eq_decoded};
use crate::scan::ScanError;

/// Names and places of members, in the order of the text.
pub(super) struct Object<'a> {
    body: &'a [u8],
    pub(super) members: SmallVec<[(&'a [u8], Range<usize>); 8]>,
}

impl<'a> Object<'a> {
    /// Reads the object that stands at `span`.
    pub(super) fn read(reader: &mut Reader<'a>, span: &Range<usize>) -> Result<Self, ScanError> {
        let mut members = SmallVec::new();
        Cursor::within(reader.body, span).object(|cursor, member| {
            reader.spend()?;
            members.push((member.raw_key, cursor.value()?));
            Ok(())
        })?;
        Ok(Self { body: reader.body, members })
    }

    /// Where a member's value stands; of several the last one counts. Null is as good as nothing.
    pub(super) fn get(&self, name: &str) -> Option<&Range<usize>> {
        let (_, span) = self.members.iter().rev().find(|(key, _)| eq_decoded(key, name))?;
        (self.body.get(span.clone()) != Some(b"null")).then_some(span)
    }

    /// The first of these that is there.
    pub(super) fn any(&self, names: &[&str]) -> Option<&Range<usize>> {
        names.iter().find_map(|name| self.get(name))
    }

    /// A member that is a string: its inside.
    pub(super) fn string(&self, name: &str) -> Option<&'a [u8]> {
        string_at(self.body, self.get(name)?)
    }

    /// Is the member this text?
    pub(super) fn is(&self, name: &str, text: &str) -> bool {
        self.string(name).is_some_and(|inside| eq_decoded(inside, text))
    }

    /// Is the member the word `true`?
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(|span| self.body.get(span.clone())) == Some(b"true")
    }
}

/// The inside of the string that stands at `span`, if it is one.
pub(super) fn string_at<'a>(body: &'a [u8], span: &Range<usize>) -> Option<&'a [u8]> {
    body.get(span.clone())?.strip_prefix(b"\"")?.strip_suffix(b"\"")
}
