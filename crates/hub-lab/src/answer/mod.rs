//! What healthy answers and errors look like on the wire, prepared once and reused.
//!
//! An answer is a list of [`Frame`]s. Building them makes JSON trees; playing them does not: frames are cached
//! by everything that shapes them ([`Plan`]), and only the request's id is written into a copy.

mod cache;
mod chat;
mod claude;
mod error;
mod frame;
mod gemini;
mod responses;
mod text;

use hub_types::{Dialect, Usage};
use serde_json::Value;

use crate::behaviour::Behaviour;
use crate::route::Framing;

pub(crate) use cache::Cache;
pub(crate) use error::Fault;
pub(crate) use frame::{Frame, ID_LEN, Prepared};

/// Answers larger than this are cut down: a lab is bounded too.
const MAX_TEXT: u64 = 256 * 1024 * 1024;
const MAX_CHUNKS: u64 = 1_000_000;

/// Everything that an answer's bytes depend on, except the request's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) dialect: Dialect,
    /// How to frame a stream; `None` for a whole answer.
    pub(crate) stream: Option<Framing>,
    /// Chat only: end a stream with a usage chunk.
    pub(crate) include_usage: bool,
    pub(crate) model: String,
    look: Look,
}

/// The part of a plan that comes from the behaviour.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Look {
    text: Option<String>,
    text_len: usize,
    chunk_len: usize,
    unicode: bool,
    crlf: bool,
    comments: bool,
    thinking: bool,
    tool: Option<Tool>,
    usage: Option<Figures>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Tool {
    name: String,
    /// The text of a JSON object.
    arguments: String,
}

impl Tool {
    /// The call that a behaviour asks for.
    fn scripted(behaviour: &Behaviour) -> Option<Self> {
        let or = |text: &Option<String>, otherwise: &str| text.as_deref().unwrap_or(otherwise).to_owned();
        (behaviour.tool_call == Some(true)).then(|| Self {
            name: or(&behaviour.tool_name, "look_up"),
            arguments: or(&behaviour.tool_arguments, r#"{"query":"weather in Hangzhou","limit":3}"#),
        })
    }

    /// The arguments as they stream: in two pieces, neither of which is JSON by itself.
    fn fragments(&self) -> impl Iterator<Item = &str> {
        text::chunks(&self.arguments, self.arguments.len().div_ceil(2))
    }

    /// The arguments as an object, where the dialect wants that.
    fn object(&self) -> Value {
        serde_json::from_str(&self.arguments).unwrap_or_default()
    }
}

/// `hub_types::Usage`, hashable and limited to what the dialect can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Figures {
    input: u64,
    output: u64,
    reasoning: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
}

impl Figures {
    fn new(dialect: Dialect, usage: Usage) -> Self {
        let claude = dialect == Dialect::Claude;
        Self {
            input: usage.input,
            output: usage.output,
            reasoning: if claude { 0 } else { usage.reasoning.min(usage.output) },
            cache_read: usage.cache_read,
            cache_write_5m: if claude { usage.cache_write_5m } else { 0 },
            cache_write_1h: if claude { usage.cache_write_1h } else { 0 },
        }
    }

    fn usage(self) -> Usage {
        Usage {
            input: self.input,
            output: self.output,
            reasoning: self.reasoning,
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
        }
    }

    /// Input as the vendors outside Anthropic count it: cached tokens included.
    fn whole_input(self) -> u64 {
        self.input.saturating_add(self.cache_read)
    }
}

impl Plan {
    pub(crate) fn new(
        dialect: Dialect,
        stream: Option<Framing>,
        include_usage: bool,
        model: &str,
        behaviour: &Behaviour,
        text: Option<String>,
    ) -> Self {
        let text = text.or_else(|| behaviour.text.clone());
        let chunks = u64::from(behaviour.chunks.unwrap_or(8)).min(MAX_CHUNKS);
        let chunk_len = behaviour.chunk_bytes.map(u64::from);
        let text_len = match &text {
            Some(text) => text.len() as u64,
            None => behaviour.body_bytes.unwrap_or(chunks * chunk_len.unwrap_or(24)).min(MAX_TEXT),
        };
        let chunk_len =
            chunk_len.unwrap_or_else(|| text_len.div_ceil(chunks.max(1))).max(text_len / MAX_CHUNKS).max(1);
        let flag = |flag: Option<bool>| flag.unwrap_or(false);
        let look = Look {
            text,
            text_len: usize::try_from(text_len).unwrap_or(usize::MAX),
            chunk_len: usize::try_from(chunk_len).unwrap_or(usize::MAX),
            unicode: flag(behaviour.unicode),
            crlf: flag(behaviour.crlf),
            comments: flag(behaviour.comments),
            thinking: flag(behaviour.thinking),
            tool: Tool::scripted(behaviour),
            usage: (!flag(behaviour.no_usage)).then(|| Figures::new(dialect, behaviour.usage())),
        };
        Self { dialect, stream, include_usage, model: model.to_owned(), look }
    }

    /// Makes the frames. Costly for large answers; see [`Cache`].
    pub(crate) fn prepare(&self) -> Prepared {
        match self.dialect {
            Dialect::Claude => claude::prepare(self),
            Dialect::OpenAi => chat::prepare(self),
            Dialect::Responses => responses::prepare(self),
            Dialect::Gemini | Dialect::GeminiCli => gemini::prepare(self),
        }
    }

    fn text(&self) -> String {
        match &self.look.text {
            Some(text) => text.clone(),
            None => text::generate(self.look.text_len, self.look.unicode),
        }
    }

    fn figures(&self) -> Option<Figures> {
        self.look.usage
    }

    fn sse(&self) -> frame::SseWriter {
        frame::SseWriter::new(self.look.crlf, self.look.comments)
    }
}

/// What a simulated model thinks before it answers.
const THOUGHT: &str = "The caller wants an answer; a short one will do.";

/// An opaque signature (valid base64, as strict readers demand).
const SIGNATURE: &str = "aHViLWxhYi1zaWduYXR1cmUtMDAwMQ==";

/// When simulated answers were made, in Unix seconds: fixed, so that bodies can be prepared.
const CREATED: u64 = 1_760_000_000;

/// The token count that a counting call answers.
pub(crate) fn count_tokens(dialect: Dialect, behaviour: &Behaviour) -> String {
    let tokens = behaviour.usage().total_input();
    match dialect {
        Dialect::Gemini | Dialect::GeminiCli => format!(r#"{{"totalTokens":{tokens}}}"#),
        _ => format!(r#"{{"input_tokens":{tokens}}}"#),
    }
}
