//! Error rules: what an operator knows about the errors of providers, and the hub can't know by itself.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::{ErrorClass, ErrorRuleId, ProviderId, ProviderType};

/// A rule that gives a class to a provider's error. All conditions that are set must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorRule {
    /// The row.
    pub id: ErrorRuleId,
    /// Unique among the living.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Is it asked at all?
    pub is_enabled: bool,
    /// Smaller is asked first; equals by id.
    pub priority: i32,
    /// Only errors of providers of these types; empty = of all.
    pub provider_types: Vec<ProviderType>,
    /// Only errors of this provider.
    pub provider_id: Option<ProviderId>,
    /// The status of the answer.
    pub status: Option<StatusMatch>,
    /// The type or the code of the vendor's error, in whatever case.
    pub error_type: Option<String>,
    /// What the message says.
    pub pattern: Option<String>,
    /// How `pattern` is held against the message.
    pub pattern_match: TextMatch,
    /// What the error is: one of [`Self::CLASSES`].
    pub class: ErrorClass,
    /// The status that the client sees if nobody else answers; `None` = the one that fits the class.
    pub replacement_status: Option<u16>,
    /// The message that the client sees if nobody else answers; `None` = the provider's own.
    pub replacement_message: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl ErrorRule {
    /// The classes that a rule can give: those that an answer of a provider can be of.
    pub const CLASSES: [ErrorClass; 9] = [
        ErrorClass::Network,
        ErrorClass::ProviderError,
        ErrorClass::Overloaded,
        ErrorClass::Throttled,
        ErrorClass::Credential,
        ErrorClass::NotServed,
        ErrorClass::Timeout,
        ErrorClass::RequestFault,
        ErrorClass::FakeSuccess,
    ];

    /// Does it look at anything that an error says, and not only at where it comes from?
    pub const fn has_condition(&self) -> bool {
        self.status.is_some() || self.is_specific()
    }

    /// Does it look at more than the status?
    pub const fn is_specific(&self) -> bool {
        self.error_type.is_some() || self.pattern.is_some()
    }
}

/// How a pattern is held against the text of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextMatch {
    /// Anywhere in it, in whatever case.
    #[default]
    Contains,
    /// All of it, in whatever case and whatever space is around it.
    Exact,
    /// A regular expression, anywhere unless anchored.
    Regex,
}

impl TextMatch {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Contains, Self::Exact, Self::Regex];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Exact => "exact",
            Self::Regex => "regex",
        }
    }
}

/// Statuses that a rule is about: one (`429`), or a hundred (`5xx`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusMatch {
    /// This one.
    Exactly(u16),
    /// All that begin with this digit.
    Hundred(u8),
}

/// This names no statuses of answers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be a status from 200 to 599, or 2xx, 3xx, 4xx or 5xx")]
pub struct NoStatus;

impl StatusMatch {
    /// Is it about this status?
    pub const fn covers(self, status: u16) -> bool {
        match self {
            Self::Exactly(exactly) => exactly == status,
            Self::Hundred(digit) => status / 100 == digit as u16,
        }
    }
}

impl TryFrom<u64> for StatusMatch {
    type Error = NoStatus;

    fn try_from(status: u64) -> Result<Self, NoStatus> {
        match u16::try_from(status) {
            Ok(status @ 200..=599) => Ok(Self::Exactly(status)),
            _ => Err(NoStatus),
        }
    }
}

impl FromStr for StatusMatch {
    type Err = NoStatus;

    fn from_str(text: &str) -> Result<Self, NoStatus> {
        match text.as_bytes() {
            [digit @ b'2'..=b'5', b'x' | b'X', b'x' | b'X'] => Ok(Self::Hundred(digit - b'0')),
            [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9'] => text.parse::<u64>().map_err(|_| NoStatus)?.try_into(),
            _ => Err(NoStatus),
        }
    }
}

impl fmt::Display for StatusMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(status) => write!(f, "{status}"),
            Self::Hundred(digit) => write!(f, "{digit}xx"),
        }
    }
}

impl Serialize for StatusMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatusMatch {
    /// A text, or the number itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = StatusMatch;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status, or 2xx, 3xx, 4xx or 5xx")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<StatusMatch, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, status: u64) -> Result<StatusMatch, E> {
                status.try_into().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_written_as_people_say_them() {
        for (text, covered, not) in
            [("429", 429, 428), ("5xx", 520, 429), ("4XX", 400, 500), ("200", 200, 201)]
        {
            let status: StatusMatch = text.parse().unwrap();
            assert!(status.covers(covered) && !status.covers(not), "{text}");
            assert_eq!(status.to_string(), text.to_lowercase());
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<StatusMatch>(&json).unwrap(), status);
        }
        assert_eq!(serde_json::from_str::<StatusMatch>("503").unwrap(), StatusMatch::Exactly(503));
        for wrong in ["", "199", "600", "1xx", "6xx", "5x", "5xxx", "+42", "４００", "x"] {
            assert_eq!(wrong.parse::<StatusMatch>(), Err(NoStatus), "{wrong}");
        }
        for wrong in ["199", "70000", "-400", "400.0", "true", "[]"] {
            assert!(serde_json::from_str::<StatusMatch>(wrong).is_err(), "{wrong}");
        }
    }
}
