//! What a client asks for, apart from the dialect it asks in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kinds of call that the hub forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The conversation itself: messages, chat completions, responses, generateContent.
    Generate,
    /// Counting the tokens of a request without running it. Never billed.
    CountTokens,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Generate, Self::CountTokens];

    /// The stable word used in the database, in JSON and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::CountTokens => "count_tokens",
        }
    }

    /// True if an answer uses tokens that somebody pays for.
    pub const fn is_billable(self) -> bool {
        matches!(self, Self::Generate)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
