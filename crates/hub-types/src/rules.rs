//! Rules about model names.

use serde::{Deserialize, Serialize};

/// How a pattern is held against a model name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKind {
    /// The whole name.
    Exact,
    /// Its beginning.
    Prefix,
    /// Its end.
    Suffix,
    /// Anywhere in it.
    Contains,
    /// A regular expression, anywhere unless anchored.
    Regex,
}

/// One entry of an `allowed_models` list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelRule {
    /// How `pattern` is compared.
    #[serde(rename = "match")]
    pub kind: MatchKind,
    /// What is compared.
    pub pattern: String,
}

/// One entry of a `model_redirects` list: a request for `source` is sent as `target`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelRedirect {
    /// How `source` is compared with the requested model.
    #[serde(rename = "match")]
    pub kind: MatchKind,
    /// What is compared.
    pub source: String,
    /// The model to send instead.
    pub target: String,
}
