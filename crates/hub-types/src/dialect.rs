//! The wire languages that clients and providers speak.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A wire language: the shape of requests, answers, streams and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Anthropic Messages.
    Claude,
    /// OpenAI Chat Completions and its siblings.
    #[serde(rename = "openai")]
    OpenAi,
    /// OpenAI Responses, which Codex speaks.
    Responses,
    /// Google generateContent.
    Gemini,
    /// Google Code Assist: Gemini inside a wrapper.
    GeminiCli,
}

/// No dialect has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown dialect `{0}`: one of claude, openai, responses, gemini, gemini-cli")]
pub struct UnknownDialect(pub String);

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Claude, Self::OpenAi, Self::Responses, Self::Gemini, Self::GeminiCli];

    /// The stable word used in the database, in JSON and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::OpenAi => "openai",
            Self::Responses => "responses",
            Self::Gemini => "gemini",
            Self::GeminiCli => "gemini-cli",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == text)
            .ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}
