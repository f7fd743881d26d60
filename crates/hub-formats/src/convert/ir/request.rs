//! A whole request in the intermediate representation.

use std::borrow::Cow;

use hub_types::Dialect;

use super::{Allowed, Choice, Hosted, Tool, Turn};
use crate::convert::fields::NO_COUNTERPART;
use crate::convert::json::Json;
use crate::convert::level::Level;
use crate::convert::refusal::Refusal;

/// What a client asks for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// The dialect that it was read from: some values may only go back to the vendor they came from.
    pub(crate) origin: Dialect,
    /// As the client calls it.
    pub(crate) model: Cow<'a, str>,
    /// The prompts before the first turn, one entry for each block.
    pub(crate) system: Vec<Cow<'a, str>>,
    pub(crate) turns: Vec<Turn<'a>>,
    pub(crate) tools: Vec<Tool<'a>>,
    pub(crate) hosted: Vec<Hosted<'a>>,
    pub(crate) choice: Option<Choice<'a>>,
    pub(crate) allowed: Option<Allowed<'a>>,
    pub(crate) parallel: Option<bool>,
    pub(crate) max_output: Option<u64>,
    /// Answers that are wanted, and what the client calls that; `None` = one.
    pub(crate) answers: Option<(u64, &'static str)>,
    pub(crate) sampling: Sampling<'a>,
    pub(crate) stop: Vec<Cow<'a, str>>,
    pub(crate) thinking: Thinking,
    /// Does the client want to see thoughts? `None` = it did not say.
    pub(crate) show_thoughts: Option<bool>,
    pub(crate) output: Output<'a>,
    pub(crate) verbosity: Option<Cow<'a, str>>,
    pub(crate) end_user: Option<Cow<'a, str>>,
    pub(crate) cache_key: Option<Cow<'a, str>>,
    /// As OpenAI words it: `auto`, `default`, `flex`, `priority`.
    pub(crate) tier: Option<Cow<'a, str>>,
    /// OpenAI's map, which only OpenAI gets.
    pub(crate) metadata: Option<Json<'a>>,
    pub(crate) stream: bool,
    /// Chat only: does the client want usage at the end of its stream?
    pub(crate) include_usage: bool,
}

impl Request<'_> {
    pub(crate) fn new(origin: Dialect) -> Self {
        Self {
            origin,
            model: Cow::Borrowed(""),
            system: Vec::new(),
            turns: Vec::new(),
            tools: Vec::new(),
            hosted: Vec::new(),
            choice: None,
            allowed: None,
            parallel: None,
            max_output: None,
            answers: None,
            sampling: Sampling::default(),
            stop: Vec::new(),
            thinking: Thinking::Unset,
            show_thoughts: None,
            output: Output::Text,
            verbosity: None,
            end_user: None,
            cache_key: None,
            tier: None,
            metadata: None,
            stream: false,
            include_usage: false,
        }
    }

    /// Refuses several answers.
    pub(crate) fn one_answer(&self) -> Result<(), Refusal> {
        self.answers.map_or(Ok(()), |(_, param)| Err(Refusal::unsupported(param, NO_COUNTERPART)))
    }

    /// Is the vendor that the request was written for the one of `dialect`?
    pub(crate) fn same_vendor(&self, dialect: Dialect) -> bool {
        let openai = |dialect| matches!(dialect, Dialect::OpenAi | Dialect::Responses);
        let google = |dialect| matches!(dialect, Dialect::Gemini | Dialect::GeminiCli);
        self.origin == dialect
            || (openai(self.origin) && openai(dialect))
            || (google(self.origin) && google(dialect))
    }
}

/// The knobs of chance, as written.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sampling<'a> {
    pub(crate) temperature: Option<Cow<'a, str>>,
    pub(crate) top_p: Option<Cow<'a, str>>,
    pub(crate) top_k: Option<Cow<'a, str>>,
    pub(crate) seed: Option<Cow<'a, str>>,
    pub(crate) presence: Option<Cow<'a, str>>,
    pub(crate) frequency: Option<Cow<'a, str>>,
    pub(crate) logprobs: Option<bool>,
    pub(crate) top_logprobs: Option<Cow<'a, str>>,
    pub(crate) logit_bias: Option<Json<'a>>,
}

/// How much to think before answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    Unset,
    Off,
    Level(Level),
    /// Tokens.
    Budget(u64),
}

/// The form of the answer's text.
#[derive(Debug)]
pub(crate) enum Output<'a> {
    Text,
    /// Any JSON object.
    Object,
    Schema {
        name: Option<Cow<'a, str>>,
        description: Option<Cow<'a, str>>,
        schema: Json<'a>,
        strict: Option<bool>,
    },
}
