//! What is known about one variable, and what values its kind allows.

use std::fmt;

/// A variable of the environment: everything that code, error messages and documentation say about it.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name in the environment.
    pub name: &'static str,
    /// An older or other name, read when `name` is not set.
    pub alias: Option<&'static str>,
    /// The value when it is not set, as one would write it; `None` if there is none.
    pub default: Option<&'static str>,
    /// What form its values have.
    pub kind: Kind,
    /// One or two sentences for the person who sets it.
    pub meaning: &'static str,
    /// Whether the value must not be shown.
    pub secret: bool,
}

impl Variable {
    /// A value as it may be shown: what is secret is not, nor what an address carries as credentials or
    /// parameters; and not more than a line of it.
    pub(crate) fn shown(&self, value: &str) -> String {
        const LONGEST: usize = 160;
        let mut shown = match value.split_once("://") {
            Some((scheme, rest)) => format!("{scheme}://{}", address_without_secrets(rest)),
            None if self.secret => "***".to_owned(),
            None => value.to_owned(),
        };
        if let Some((end, _)) = shown.char_indices().nth(LONGEST) {
            shown.truncate(end);
            shown.push('…');
        }
        shown
    }
}

/// Credentials end at the last `@`: an unescaped one within a password must not uncover the rest of it.
fn address_without_secrets(address: &str) -> String {
    let (before_at, place) = address.rsplit_once('@').map_or(("", address), |(_, place)| ("***@", place));
    match place.split_once(['?', '#']) {
        Some((place, _)) => format!("{before_at}{place}?…"),
        None => format!("{before_at}{place}"),
    }
}

/// The form of a variable's values.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true`, `false` and their like.
    Boolean,
    /// A whole number within bounds, both included.
    Count {
        /// The smallest allowed.
        least: u64,
        /// The largest allowed.
        most: u64,
    },
    /// As [`Kind::Count`]; the number is milliseconds.
    Milliseconds {
        /// The shortest allowed.
        least: u64,
        /// The longest allowed.
        most: u64,
    },
    /// As [`Kind::Count`]; the number is seconds.
    Seconds {
        /// The shortest allowed.
        least: u64,
        /// The longest allowed.
        most: u64,
    },
    /// A number from 0 to 1.
    Probability,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Anything that parses as described; the text completes "expected …".
    Other(&'static str),
}

impl fmt::Display for Kind {
    /// What is allowed, to follow the word "expected".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false (also 1/0, yes/no, on/off)"),
            Self::Count { least, most } => write!(f, "a whole number from {least} to {most}"),
            Self::Milliseconds { least, most } => write!(f, "whole milliseconds from {least} to {most}"),
            Self::Seconds { least, most } => write!(f, "whole seconds from {least} to {most}"),
            Self::Probability => f.write_str("a number from 0 to 1"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Other(description) => f.write_str(description),
        }
    }
}
