//! The four dialects as the talkers of a storm speak them: requests, and how a stream says that it is whole.

use hub_types::Dialect;
use serde_json::json;

use crate::harness::Answer;

pub(super) const DIALECTS: [Dialect; 4] =
    [Dialect::Claude, Dialect::OpenAi, Dialect::Responses, Dialect::Gemini];

/// A model whose price is known.
pub(super) const fn model(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Claude => "claude-sonnet-4-5",
        Dialect::OpenAi => "gpt-5",
        Dialect::Responses => "gpt-5-codex",
        Dialect::Gemini | Dialect::GeminiCli => "gemini-2.5-pro",
    }
}

pub(super) const fn provider_type(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Claude => "claude",
        Dialect::OpenAi => "openai-compatible",
        Dialect::Responses => "codex",
        Dialect::Gemini => "gemini",
        Dialect::GeminiCli => "gemini-cli",
    }
}

pub(super) fn path(dialect: Dialect, stream: bool) -> String {
    match dialect {
        Dialect::Claude => "/v1/messages".to_owned(),
        Dialect::OpenAi => "/v1/chat/completions".to_owned(),
        Dialect::Responses => "/v1/responses".to_owned(),
        Dialect::Gemini | Dialect::GeminiCli => {
            let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            format!("/v1beta/models/{}:{action}", model(dialect))
        }
    }
}

pub(super) fn body(dialect: Dialect, stream: bool) -> String {
    let (model, text) = (model(dialect), "What is left after a storm?");
    let messages = json!([{"role": "user", "content": text}]);
    match dialect {
        Dialect::Claude => {
            json!({"model": model, "max_tokens": 1000, "stream": stream, "messages": messages}).to_string()
        }
        Dialect::OpenAi => json!({"model": model, "stream": stream, "messages": messages}).to_string(),
        Dialect::Responses => json!({"model": model, "stream": stream, "input": text}).to_string(),
        Dialect::Gemini | Dialect::GeminiCli => {
            json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}).to_string()
        }
    }
}

/// Does the stream end with the dialect's own word for its end?
pub(super) fn has_end(dialect: Dialect, answer: &Answer) -> bool {
    let (name, data) = answer.last_event();
    match dialect {
        Dialect::Claude => name.as_deref() == Some("message_stop"),
        Dialect::OpenAi => data == "[DONE]",
        Dialect::Responses => name.as_deref() == Some("response.completed"),
        Dialect::Gemini | Dialect::GeminiCli => data.contains("\"finishReason\""),
    }
}

/// Does the stream say somewhere that it failed?
pub(super) fn has_error(answer: &Answer) -> bool {
    let text = answer.text();
    text.contains("\"error\":") && (text.contains("\"error\":{") || text.contains("\"error\": {"))
        || text.contains("response.failed")
}
