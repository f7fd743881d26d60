//! Tools, and which of them may or must be called.

use std::borrow::Cow;

use crate::convert::json::Json;

/// A tool that the client runs.
#[derive(Debug)]
pub(crate) struct Tool<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) description: Option<Cow<'a, str>>,
    /// JSON Schema of the arguments.
    pub(crate) schema: Json<'a>,
    pub(crate) strict: Option<bool>,
    /// Is it one of OpenAI's tools that take plain text?
    pub(crate) custom: Option<Custom<'a>>,
    /// Is it one of OpenAI's tools that the client runs and the model knows without being told?
    pub(crate) builtin: Option<CallForm>,
    /// The group that it was found in, and its name there; `name` holds both.
    pub(crate) namespace: Option<(Cow<'a, str>, Cow<'a, str>)>,
}

/// As what a Responses client expects a call of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallForm {
    Function,
    /// With plain text.
    Custom,
    LocalShell,
    Shell,
    ApplyPatch,
}

/// What only tools with plain text have.
#[derive(Debug)]
pub(crate) struct Custom<'a> {
    /// `format` as Responses has it, a grammar for instance.
    pub(crate) format: Option<Json<'a>>,
}

/// A tool that the vendor runs.
#[derive(Debug)]
pub(crate) enum Hosted<'a> {
    WebSearch {
        max_uses: Option<u64>,
        allowed: Vec<Cow<'a, str>>,
        blocked: Vec<Cow<'a, str>>,
        /// `{city, region, country, timezone}`, without the type.
        location: Option<Json<'a>>,
        context_size: Option<Cow<'a, str>>,
        /// Its name in the source dialect, by which a choice may force it.
        name: Cow<'a, str>,
    },
    Other {
        /// The type in the source dialect.
        kind: Cow<'a, str>,
        name: Cow<'a, str>,
    },
}

impl Hosted<'_> {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::WebSearch { name, .. } | Self::Other { name, .. } => name,
        }
    }
}

/// What is asked of the model about tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    Auto,
    /// Some tool must be called.
    Any,
    /// This one must be called.
    Tool(Cow<'a, str>),
    None,
}

/// Only some of the tools may be called.
#[derive(Debug, Clone)]
pub(crate) struct Allowed<'a> {
    pub(crate) names: Vec<Cow<'a, str>>,
}
