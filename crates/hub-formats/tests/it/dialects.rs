//! The sample requests, and answers that are there as a whole.

use hub_formats::convert::{AnswerPlan, Converter, End, Failure, Source, Status};
use hub_types::Dialect;

/// A model of each dialect that conversion knows.
pub(crate) const MODELS: [(Dialect, &str); 5] = [
    (Dialect::Claude, "claude-opus-5-5"),
    (Dialect::OpenAi, "gpt-4o"),
    (Dialect::Responses, "gpt-5.6"),
    (Dialect::Gemini, "gemini-3-pro"),
    (Dialect::GeminiCli, "gemini-2.5-pro"),
];

/// A request with nearly everything in it.
pub(crate) fn request_of(dialect: Dialect) -> Vec<u8> {
    let gemini = include_str!("../requests/gemini.json");
    match dialect {
        Dialect::Claude => include_str!("../requests/claude.json").into(),
        Dialect::OpenAi => include_str!("../requests/openai.json").into(),
        Dialect::Responses => include_str!("../requests/responses.json").into(),
        Dialect::Gemini => gemini.into(),
        Dialect::GeminiCli => {
            format!(r#"{{"model":"gemini-x","project":"p","user_prompt_id":"u","request":{gemini}}}"#).into()
        }
    }
}

/// What real clients send besides: old forms, odd tools, broken histories, everything switched off.
pub(crate) fn more_of(dialect: Dialect) -> Vec<u8> {
    let gemini = include_str!("../requests/gemini_more.json");
    match dialect {
        Dialect::Claude => include_str!("../requests/claude_more.json").into(),
        Dialect::OpenAi => include_str!("../requests/openai_more.json").into(),
        Dialect::Responses => include_str!("../requests/responses_more.json").into(),
        Dialect::Gemini => gemini.into(),
        Dialect::GeminiCli => format!(r#"{{"model":"gemini-x","request":{gemini}}}"#).into(),
    }
}

/// The request as it comes in.
pub(crate) fn source(dialect: Dialect, body: &[u8]) -> Source<'_> {
    let path_model = (dialect == Dialect::Gemini).then_some("gemini-x");
    Source { dialect, body, path_model, path_stream: true }
}

/// A whole answer, body or stream, as the client gets it.
pub(crate) fn convert_body(plan: &AnswerPlan, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut converter = Converter::new(plan.clone());
    let mut out = Vec::new();
    converter.feed(body, &mut out);
    match converter.finish(End::Eof, &mut out) {
        Status::Failed(failure) => Err(failure),
        Status::NeedMore | Status::Done => Ok(out),
    }
}
