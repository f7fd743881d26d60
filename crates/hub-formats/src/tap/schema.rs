//! Which members of an answer matter, over all dialects: a small tree of names. Everything else is skipped.
//!
//! The dialects' names do not clash, so one tree serves them all; what a figure means is decided later.

/// A token figure as some vendor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Figure {
    /// Claude and Responses `input_tokens`.
    Input,
    /// Claude and Responses `output_tokens`.
    Output,
    /// Claude `cache_read_input_tokens`.
    CacheRead,
    /// Claude `cache_creation_input_tokens`.
    CacheWrite,
    /// Claude `cache_creation.ephemeral_5m_input_tokens`.
    CacheWrite5m,
    /// Claude `cache_creation.ephemeral_1h_input_tokens`.
    CacheWrite1h,
    /// Chat `prompt_tokens`, Gemini `promptTokenCount`.
    Prompt,
    /// Chat `completion_tokens`, Gemini `candidatesTokenCount`.
    Completion,
    /// `…_details.cached_tokens`, Gemini `cachedContentTokenCount`.
    Cached,
    /// `…_details.cache_write_tokens`.
    Written,
    /// `…_details.reasoning_tokens` or `.thinking_tokens`, Gemini `thoughtsTokenCount`.
    Reasoning,
    /// Gemini `toolUsePromptTokenCount`.
    ToolPrompt,
    /// Gemini `totalTokenCount`.
    Total,
}

/// How many figures there are.
pub(super) const FIGURES: usize = Figure::Total as usize + 1;

/// A place in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// The body, or the JSON of one stream event.
    Root,
    /// `type` of the root.
    Kind,
    /// `message` of the root: an object for Claude, a text in an error of Responses.
    Message,
    /// `code` of the root.
    RootCode,
    /// `response`: of Responses events and of the Gemini CLI's wrapper.
    Response,
    /// The answering model's name.
    Model,
    /// `id` of the body, or of the event's response.
    Id,
    /// The tier in which it was served.
    ServiceTier,
    /// The error; an object or a text.
    Error,
    /// Its type or status word.
    ErrorKind,
    /// Its code.
    ErrorCode,
    /// Its message.
    ErrorMessage,
    /// A usage object.
    Usage,
    /// Its figures.
    Figure(Figure),
    /// `cache_creation` of Claude.
    CacheCreation,
    /// `…_details` of the OpenAI dialects.
    Details,
    /// Why the answer ended: text if it did, null until then.
    Finish,
    /// Text that the model wrote.
    Text,
    /// Proof of content that is not text to count: a call's name, a signature.
    Marker,
    /// A JSON value that the model wrote: content.
    Blob,
    /// A call's input in a Claude block: counted; the block's type says whether it is content.
    CallInput,
    /// `delta`: an object for Claude, a text for Responses.
    Delta,
    /// The list of Claude content blocks.
    Blocks,
    /// One Claude content block.
    Block,
    /// Its type.
    BlockKind,
    /// The list of chat choices.
    Choices,
    /// One of them.
    Choice,
    /// Its `delta` or `message`.
    ChatMessage,
    /// The list of tool calls.
    Calls,
    /// One of them.
    Call,
    /// Its `function` or `custom`.
    CallBody,
    /// The list of Responses output items.
    Output,
    /// One of them.
    Item,
    /// Its type.
    ItemKind,
    /// A list of parts with text.
    TextParts,
    /// One of them.
    TextPart,
    /// The list of Gemini candidates.
    Candidates,
    /// One of them.
    Candidate,
    /// Its `content`.
    CandidateContent,
    /// The list of Gemini parts.
    Parts,
    /// One of them.
    Part,
    /// `promptFeedback` of Gemini.
    PromptFeedback,
}

/// The member `key` of the object at `node`, if it matters.
#[expect(clippy::match_same_arms, reason = "one line a place reads better than merged patterns")]
pub(super) fn member(node: Node, key: &str) -> Option<Node> {
    Some(match (node, key) {
        (Node::Root, "type") => Node::Kind,
        (Node::Root, "message") => Node::Message,
        (Node::Root, "code") => Node::RootCode,
        (Node::Root, "response") => Node::Response,
        (Node::Root, "choices") => Node::Choices,
        (Node::Root, "delta") => Node::Delta,
        (Node::Root, "content_block") => Node::Block,
        (Node::Root, "item") => Node::Item,
        (Node::Root | Node::Delta, "stop_reason") => Node::Finish,
        (Node::Root | Node::Message, "content") => Node::Blocks,
        (Node::Root | Node::Message | Node::Response, "usage") => Node::Usage,
        (Node::Root | Node::Message | Node::Response, "model" | "modelVersion") => Node::Model,
        (Node::Root | Node::Response, "id") => Node::Id,
        (Node::Root | Node::Response | Node::Usage, "service_tier") => Node::ServiceTier,
        (Node::Root | Node::Response, "error") => Node::Error,
        (Node::Root | Node::Response, "output") => Node::Output,
        (Node::Root | Node::Response, "candidates") => Node::Candidates,
        (Node::Root | Node::Response, "usageMetadata") => Node::Usage,
        (Node::Root | Node::Response, "promptFeedback") => Node::PromptFeedback,
        (Node::Usage, "cache_creation") => Node::CacheCreation,
        (
            Node::Usage,
            "prompt_tokens_details"
            | "completion_tokens_details"
            | "input_tokens_details"
            | "output_tokens_details",
        ) => Node::Details,
        (Node::Usage | Node::CacheCreation | Node::Details, name) => Node::Figure(figure(node, name)?),
        (Node::Error, "type" | "status") => Node::ErrorKind,
        (Node::Error, "code") => Node::ErrorCode,
        (Node::Error, "message") => Node::ErrorMessage,
        (Node::Delta, "text" | "thinking" | "partial_json") => Node::Text,
        (Node::Delta, "signature") => Node::Marker,
        (Node::Delta, "citation") => Node::Blob,
        (Node::Block, "type") => Node::BlockKind,
        (Node::Block, "text" | "thinking") => Node::Text,
        (Node::Block, "input") => Node::CallInput,
        (Node::Choice, "finish_reason") => Node::Finish,
        (Node::Choice, "delta" | "message") => Node::ChatMessage,
        (Node::Choice, "text") => Node::Text,
        (Node::ChatMessage, "content" | "reasoning_content" | "reasoning" | "refusal") => Node::Text,
        (Node::ChatMessage, "tool_calls") => Node::Calls,
        (Node::ChatMessage, "function_call") => Node::CallBody,
        (Node::ChatMessage, "audio") => Node::Blob,
        (Node::Call, "function" | "custom") => Node::CallBody,
        (Node::CallBody, "name") => Node::Marker,
        (Node::CallBody, "arguments" | "input") => Node::Text,
        (Node::Item, "type") => Node::ItemKind,
        (Node::Item, "content" | "summary") => Node::TextParts,
        (Node::Item, "arguments" | "input") | (Node::TextPart, "text" | "refusal") => Node::Text,
        (Node::Candidate, "content") => Node::CandidateContent,
        (Node::Candidate, "finishReason") | (Node::PromptFeedback, "blockReason") => Node::Finish,
        (Node::CandidateContent, "parts") => Node::Parts,
        (Node::Part, "text") => Node::Text,
        (
            Node::Part,
            "functionCall" | "inlineData" | "fileData" | "executableCode" | "codeExecutionResult",
        ) => Node::Blob,
        _ => return None,
    })
}

/// The items of the list at `node`, if they matter.
pub(super) fn item(node: Node) -> Option<Node> {
    Some(match node {
        // A stream of Gemini without `alt=sse` is one list of what would have been events.
        Node::Root => Node::Root,
        Node::Blocks => Node::Block,
        Node::Choices => Node::Choice,
        Node::Calls => Node::Call,
        Node::Output => Node::Item,
        Node::TextParts | Node::Text => Node::TextPart,
        Node::Candidates => Node::Candidate,
        Node::Parts => Node::Part,
        _ => return None,
    })
}

fn figure(node: Node, name: &str) -> Option<Figure> {
    Some(match (node, name) {
        (Node::Usage, "input_tokens") => Figure::Input,
        (Node::Usage, "output_tokens") => Figure::Output,
        (Node::Usage, "cache_read_input_tokens") => Figure::CacheRead,
        (Node::Usage, "cache_creation_input_tokens") => Figure::CacheWrite,
        (Node::CacheCreation, "ephemeral_5m_input_tokens") => Figure::CacheWrite5m,
        (Node::CacheCreation, "ephemeral_1h_input_tokens") => Figure::CacheWrite1h,
        (Node::Usage, "prompt_tokens" | "promptTokenCount") => Figure::Prompt,
        (Node::Usage, "completion_tokens" | "candidatesTokenCount") => Figure::Completion,
        (Node::Details, "cached_tokens") | (Node::Usage, "cachedContentTokenCount") => Figure::Cached,
        (Node::Details, "cache_write_tokens") => Figure::Written,
        (Node::Details, "reasoning_tokens" | "thinking_tokens") | (Node::Usage, "thoughtsTokenCount") => {
            Figure::Reasoning
        }
        (Node::Usage, "toolUsePromptTokenCount") => Figure::ToolPrompt,
        (Node::Usage, "totalTokenCount") => Figure::Total,
        _ => return None,
    })
}
