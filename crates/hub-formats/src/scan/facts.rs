//! The facts of a request body.

use std::ops::Range;

use hub_types::ServiceTier;

/// What a scan found. Spans count bytes from the start of the body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestFacts {
    /// The model, if the body names one (Gemini names it in the path instead).
    pub model: Option<ModelField>,
    /// The stream flag, if the body has one (the Gemini wires say it in the path instead).
    pub stream: Option<StreamField>,
    /// The most tokens that the answer may have (`max_tokens`, `max_completion_tokens`, `max_output_tokens` or
    /// `generationConfig.maxOutputTokens`).
    pub max_tokens: Option<u64>,
    /// How many answers are asked for at once (`n`, `generationConfig.candidateCount`): each may be that long.
    pub answers: Option<u64>,
    /// The `service_tier` of the OpenAI dialects, if it names one with a price of its own.
    pub service_tier: Option<ServiceTier>,
    /// State of `stream_options.include_usage`.
    pub usage_option: UsageOption,
    /// `metadata.user_id`, if it is a text.
    pub metadata_user_id: Option<String>,
    /// `metadata.session_id`, if it is a text.
    pub metadata_session_id: Option<String>,
    /// `prompt_cache_key`.
    pub prompt_cache_key: Option<String>,
    /// `previous_response_id` of Responses.
    pub previous_response_id: Option<String>,
    /// `user` of the OpenAI dialects.
    pub user: Option<String>,
    /// `session_id` of the Gemini CLI's wrapper.
    pub session_id: Option<String>,
    /// How many messages, input items or contents; `None` if that member is missing or of the wrong kind.
    pub message_count: Option<usize>,
    /// Where the conversation stands.
    pub conversation: ConversationSpans,
    /// Is there at least one tool?
    pub has_tools: bool,
    /// Does a member that the hub reads occur more than once in its object?
    pub repeated: bool,
}

impl RequestFacts {
    /// The model's name, if the body has one.
    pub fn model_name(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.name.as_str())
    }

    /// Does the body ask for a stream?
    pub fn wants_stream(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.value)
    }
}

/// Where the values stand that hold the conversation, so that a second look at it can go straight there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationSpans {
    /// The messages, input items or contents, if that member is of a kind that can hold some.
    pub messages: Option<Range<usize>>,
    /// `system` (Claude), `instructions` (Responses) or `systemInstruction` (Gemini), whatever its kind.
    pub system: Option<Range<usize>>,
    /// The tools, if that member is a list. `functions` of the OpenAI dialect only if there are no `tools`.
    pub tools: Option<Range<usize>>,
}

/// The `model` member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelField {
    /// The decoded name.
    pub name: String,
    /// Where its JSON string stands, quotes included.
    pub span: Range<usize>,
    /// Where it stands, too, if the body has the member more than once; earlier ones first.
    pub shadowed: Vec<Range<usize>>,
}

/// The `stream` member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamField {
    /// True only for the literal `true`.
    pub value: bool,
    /// Where the value stands.
    pub span: Range<usize>,
}

/// What the body says about `stream_options.include_usage`, and where it could be made to say `true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageOption {
    /// It says so already.
    Asked,
    /// `include_usage` has another value, which stands here.
    Refused {
        /// Where that value stands.
        span: Range<usize>,
    },
    /// `stream_options` is an object without it.
    Silent {
        /// Just before the closing brace of `stream_options`.
        insert_at: usize,
        /// The object has no members: no comma is needed.
        is_empty: bool,
    },
    /// `stream_options` is null or something else that is no object.
    NotAnObject {
        /// Where that value stands.
        span: Range<usize>,
    },
    /// There are no `stream_options`.
    Missing {
        /// Just before the closing brace of the body.
        insert_at: usize,
        /// The body has no members: no comma is needed.
        is_empty: bool,
    },
}

impl Default for UsageOption {
    fn default() -> Self {
        Self::Missing { insert_at: 1, is_empty: true }
    }
}
