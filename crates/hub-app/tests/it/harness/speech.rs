//! How each dialect is spoken: paths, bodies, and the providers that understand them.

use hub_types::Dialect;

/// A model that the dialect's providers serve and whose price is known.
pub(crate) const fn model(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Claude => "claude-sonnet-4-5",
        Dialect::OpenAi => "gpt-5",
        Dialect::Responses => "gpt-5-codex",
        Dialect::Gemini | Dialect::GeminiCli => "gemini-2.5-pro",
    }
}

/// The provider type that speaks it.
pub(crate) const fn provider_type(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Claude => "claude",
        Dialect::OpenAi => "openai-compatible",
        Dialect::Responses => "codex",
        Dialect::Gemini => "gemini",
        Dialect::GeminiCli => "gemini-cli",
    }
}

/// The path of a conversation.
pub(crate) fn path(dialect: Dialect, stream: bool) -> String {
    path_for(dialect, model(dialect), stream)
}

/// The path of a conversation with a certain model.
pub(crate) fn path_for(dialect: Dialect, model: &str, stream: bool) -> String {
    let action = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    match dialect {
        Dialect::Claude => "/v1/messages".to_owned(),
        Dialect::OpenAi => "/v1/chat/completions".to_owned(),
        Dialect::Responses => "/v1/responses".to_owned(),
        Dialect::Gemini => format!("/v1beta/models/{model}:{action}"),
        Dialect::GeminiCli => format!("/v1internal:{action}"),
    }
}

/// A plain request.
pub(crate) fn body(dialect: Dialect, stream: bool) -> String {
    body_with(dialect, model(dialect), stream, "Hello")
}

/// A request for a certain model with a certain text in it, which has to be fit for a JSON string. Chat
/// streams ask for usage, so that the hub has nothing to add.
pub(crate) fn body_with(dialect: Dialect, model: &str, stream: bool, text: &str) -> String {
    let usage =
        if stream && dialect == Dialect::OpenAi { r#","stream_options":{"include_usage":true}"# } else { "" };
    match dialect {
        Dialect::Claude => format!(
            r#"{{"model":"{model}","max_tokens":64,"stream":{stream},"messages":[{{"role":"user","content":"{text}"}}]}}"#
        ),
        Dialect::OpenAi => format!(
            r#"{{"model":"{model}","stream":{stream}{usage},"messages":[{{"role":"user","content":"{text}"}}]}}"#
        ),
        Dialect::Responses => format!(r#"{{"model":"{model}","stream":{stream},"input":"{text}"}}"#),
        Dialect::Gemini => format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"{text}"}}]}}]}}"#),
        Dialect::GeminiCli => format!(
            r#"{{"model":"{model}","project":"p","request":{{"contents":[{{"role":"user","parts":[{{"text":"{text}"}}]}}]}}}}"#
        ),
    }
}

/// A request of exactly `size` bytes.
pub(crate) fn body_of(dialect: Dialect, stream: bool, size: usize) -> String {
    let bare = body_with(dialect, model(dialect), stream, "").len();
    let pattern = "Zeile \\u00e9 \\\"zitiert\\\" \\\\ und 一段文字. ";
    let room = size - bare;
    let mut text = pattern.repeat(room / pattern.len());
    text.push_str(&".".repeat(room - text.len()));
    let body = body_with(dialect, model(dialect), stream, &text);
    assert_eq!(body.len(), size);
    body
}
