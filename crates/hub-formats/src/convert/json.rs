//! A tree of JSON that loses nothing: numbers stay as written, members stay in order, texts are borrowed.
//!
//! Only conversion uses it; what passes in its own dialect is never parsed into a tree.

mod read;
mod write;

use std::borrow::Cow;

pub(crate) use read::parse;
pub(crate) use write::Line;

/// One JSON value.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Json<'a> {
    #[default]
    Null,
    Bool(bool),
    /// A number as it was written.
    Num(Cow<'a, str>),
    Str(Cow<'a, str>),
    Arr(Vec<Json<'a>>),
    Obj(Obj<'a>),
    /// A JSON text that is written as it is.
    Raw(Cow<'a, str>),
}

/// An object's members in order, and the text that it was read from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Obj<'a> {
    pub(crate) members: Vec<(Cow<'a, str>, Json<'a>)>,
    /// Empty if the object was made here.
    raw: &'a [u8],
}

impl PartialEq for Obj<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl<'a> Obj<'a> {
    /// The value of a member; of a repeated one the last, as JSON parsers have it.
    pub(crate) fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(crate) fn push(&mut self, key: &'a str, value: impl Into<Json<'a>>) {
        self.raw = &[];
        self.members.push((Cow::Borrowed(key), value.into()));
    }

    /// Adds a member unless there is nothing to add.
    pub(crate) fn push_some(&mut self, key: &'a str, value: Option<impl Into<Json<'a>>>) {
        if let Some(value) = value {
            self.push(key, value);
        }
    }

    pub(crate) fn set(&mut self, key: &'a str, value: impl Into<Json<'a>>) {
        self.remove(key);
        self.push(key, value);
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.raw = &[];
        self.members.retain(|(name, _)| name != key);
    }
}

impl<'a> Json<'a> {
    /// A member that is there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.obj()?.get(key).filter(|value| !matches!(value, Json::Null))
    }

    /// A member by its camel-case or its snake-case name: protobuf's JSON takes both.
    pub(crate) fn either(&self, camel: &str, snake: &str) -> Option<&Json<'a>> {
        self.get(camel).or_else(|| self.get(snake))
    }

    pub(crate) fn obj(&self) -> Option<&Obj<'a>> {
        if let Json::Obj(object) = self { Some(object) } else { None }
    }

    pub(crate) fn arr(&self) -> Option<&[Json<'a>]> {
        if let Json::Arr(items) = self { Some(items) } else { None }
    }

    /// The items of a list; none if it is something else.
    pub(crate) fn items(&self) -> &[Json<'a>] {
        self.arr().unwrap_or_default()
    }

    pub(crate) fn str(&self) -> Option<&str> {
        if let Json::Str(text) = self { Some(text) } else { None }
    }

    /// The text without copying it, where it was borrowed.
    pub(crate) fn text(&self) -> Option<Cow<'a, str>> {
        if let Json::Str(text) = self { Some(text.clone()) } else { None }
    }

    pub(crate) fn bool(&self) -> Option<bool> {
        if let Json::Bool(flag) = self { Some(*flag) } else { None }
    }

    pub(crate) fn num(&self) -> Option<Cow<'a, str>> {
        if let Json::Num(number) = self { Some(number.clone()) } else { None }
    }

    /// A whole number that is not negative; a negative one is `None`, a fraction is cut.
    pub(crate) fn u64(&self) -> Option<u64> {
        let Json::Num(number) = self else { return None };
        if let Ok(whole) = number.parse() {
            return Some(whole);
        }
        let number: f64 = number.parse().ok().filter(|number| *number >= 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and the cast saturates"
        )]
        let whole = number as u64;
        Some(whole)
    }

    /// A text member.
    pub(crate) fn str_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.str()
    }

    pub(crate) fn text_at(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key)?.text()
    }

    /// The value of `type`, or nothing.
    pub(crate) fn kind(&self) -> &str {
        self.str_at("type").unwrap_or_default()
    }

    /// The value as JSON text: as it was written, where that is known.
    pub(crate) fn raw_text(&self) -> Cow<'a, str> {
        if let Json::Obj(object) = self
            && !object.raw.is_empty()
            && let Ok(text) = std::str::from_utf8(object.raw)
        {
            return Cow::Borrowed(text);
        }
        if let Json::Raw(text) = self {
            return text.clone();
        }
        Cow::Owned(self.to_text())
    }

    pub(crate) fn to_text(&self) -> String {
        let mut out = Vec::new();
        self.write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    pub(crate) fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(flag) => Json::Bool(flag),
            Json::Num(text) => Json::Num(Cow::Owned(text.into_owned())),
            Json::Str(text) => Json::Str(Cow::Owned(text.into_owned())),
            Json::Raw(text) => Json::Raw(Cow::Owned(text.into_owned())),
            Json::Arr(items) => Json::Arr(items.into_iter().map(Json::into_owned).collect()),
            Json::Obj(object) => Json::Obj(Obj {
                members: object
                    .members
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
                raw: &[],
            }),
        }
    }
}

/// An object out of its members.
pub(crate) fn obj<'a, const N: usize>(members: [(&'a str, Json<'a>); N]) -> Json<'a> {
    let members = members.into_iter().map(|(key, value)| (Cow::Borrowed(key), value)).collect();
    Json::Obj(Obj { members, raw: &[] })
}

/// A text.
pub(crate) fn s<'a>(text: impl Into<Cow<'a, str>>) -> Json<'a> {
    Json::Str(text.into())
}

/// A number.
pub(crate) fn n(number: u64) -> Json<'static> {
    Json::Num(Cow::Owned(number.to_string()))
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        s(text)
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        s(text)
    }
}

impl<'a> From<Cow<'a, str>> for Json<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        s(text)
    }
}

impl From<bool> for Json<'_> {
    fn from(flag: bool) -> Self {
        Json::Bool(flag)
    }
}

impl From<u64> for Json<'_> {
    fn from(number: u64) -> Self {
        n(number)
    }
}

impl<'a> From<Vec<Json<'a>>> for Json<'a> {
    fn from(items: Vec<Json<'a>>) -> Self {
        Json::Arr(items)
    }
}

impl<'a> From<Obj<'a>> for Json<'a> {
    fn from(object: Obj<'a>) -> Self {
        Json::Obj(object)
    }
}

#[cfg(test)]
mod tests;
