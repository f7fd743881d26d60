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
    /// Whatever else a vendor serves under its own paths (embeddings, images, sound, files, stored responses):
    /// passed on as it is, billed by what the vendor reports.
    Other,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Generate, Self::CountTokens, Self::Other];

    /// The stable word used in the database, in JSON and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::CountTokens => "count_tokens",
            Self::Other => "other",
        }
    }

    /// True if an answer uses tokens that somebody pays for.
    pub const fn is_billable(self) -> bool {
        matches!(self, Self::Generate | Self::Other)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
