//! For whom a request is written.

use hub_types::Dialect;

use super::facts::ModelFacts;

/// A provider, as far as conversion has to know it.
#[derive(Debug, Clone)]
pub struct Target {
    /// What the provider speaks.
    pub dialect: Dialect,
    /// The model as the provider calls it.
    pub model: String,
    /// What is known of the model; [`ModelFacts::of`] unless the provider's settings know better.
    pub facts: ModelFacts,
    /// What the provider's settings say.
    pub options: Options,
}

impl Target {
    /// A provider without any peculiarity.
    pub fn new(dialect: Dialect, model: &str) -> Self {
        Self { dialect, model: model.to_owned(), facts: ModelFacts::of(model), options: Options::default() }
    }
}

/// Peculiarities of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Responses: the endpoint of ChatGPT subscriptions, which streams only and takes fewer members.
    pub codex_backend: bool,
    /// Claude: `max_tokens` where the client did not say.
    pub default_max_tokens: Option<u64>,
    /// Claude: ask for automatic caching.
    pub auto_cache: bool,
    /// Chat: give thoughts of earlier turns back as `reasoning_content`.
    pub replay_reasoning_content: bool,
    /// Chat: the provider does not know `stream_options`.
    pub no_stream_options: bool,
    /// Gemini: leave ids of calls out, as Vertex wants it.
    pub omit_call_ids: bool,
    /// Gemini: write `parametersJsonSchema` instead of `parameters`.
    pub json_schema_parameters: bool,
    /// Refuse what would lose something that may change the answer.
    pub strict: bool,
    /// Responses: instructions that the provider's settings add.
    pub instructions: Option<Instructions>,
    /// The hub's id of the session, from which OpenAI's cache key is derived.
    pub session: Option<String>,
}

/// Instructions of a provider that insists on some. What the client said goes into a developer's message then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instructions {
    /// The words.
    pub text: String,
    /// Also where the client has instructions of its own.
    pub is_forced: bool,
}
