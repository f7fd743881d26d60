//! One finding: where, which rule, and what to do about it.

use std::fmt;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// A file, with its line if there is one, or a crate.
    pub(super) place: String,
    pub(super) rule: &'static str,
    pub(super) advice: String,
}

impl Finding {
    pub(super) fn new(place: impl Into<String>, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { place: place.into(), rule, advice: advice.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.place, self.rule, self.advice)
    }
}
