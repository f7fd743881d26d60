//! Errors as clients get them: as the body of an answer, or as the last frame of a stream.

use hub_types::Dialect;

use super::ErrorKind;
use crate::convert::json::{Json, n, obj, s};
use crate::sse::push_event;

/// All there is to say of an error. What a dialect has no place for is left out.
#[derive(Debug, Clone, Copy)]
pub struct ErrorBody<'a> {
    /// Chooses the words.
    pub kind: ErrorKind,
    /// The status that it is told with.
    pub status: u16,
    /// What happened, for people.
    pub message: &'a str,
    /// A code of one's own, for clients of OpenAI's dialects where they look for no certain one.
    pub code: Option<&'a str>,
    /// The member that is to blame; OpenAI's dialects only.
    pub param: Option<&'a str>,
    /// The request's id; Claude's dialect, and the id of a failed response.
    pub request_id: Option<&'a str>,
    /// Further members of the error object: names, and values as JSON texts.
    pub members: &'a [(String, String)],
}

/// Codes of failed responses that Codex treats differently from others.
const KNOWN_TO_CODEX: [&str; 5] = [
    "context_length_exceeded",
    "insufficient_quota",
    "usage_not_included",
    "rate_limit_exceeded",
    "invalid_prompt",
];

impl<'a> ErrorBody<'a> {
    /// An error of which no more is known.
    pub const fn new(kind: ErrorKind, status: u16, message: &'a str) -> Self {
        Self { kind, status, message, code: None, param: None, request_id: None, members: &[] }
    }

    /// The body of an answer.
    pub fn render(&self, dialect: Dialect) -> Vec<u8> {
        let mut out = Vec::new();
        self.json(dialect).write(&mut out);
        out
    }

    /// The frame that ends a stream of events which has begun.
    pub fn frame(&self, dialect: Dialect) -> Vec<u8> {
        if dialect != Dialect::Responses {
            return error_frame(dialect, &self.render(dialect));
        }
        let id = self.request_id.unwrap_or_default().replace('-', "");
        let response = obj([
            ("id", format!("resp_{id}").into()),
            ("object", "response".into()),
            ("status", "failed".into()),
            ("error", self.of_response()),
        ]);
        // The vendor's SDKs hand the event on as any other, but raise an error that stands beside the type.
        let event =
            obj([("type", "response.failed".into()), ("response", response), ("error", self.of_response())]);
        let (mut data, mut out) = (Vec::new(), Vec::new());
        event.write(&mut data);
        push_event(&mut out, Some("response.failed"), &data);
        out
    }

    /// What a response that failed half-way says of it.
    pub(crate) fn of_response(&self) -> Json<'a> {
        let code = self.code.filter(|code| KNOWN_TO_CODEX.contains(code));
        obj([
            ("code", code.unwrap_or(self.kind.words().responses_code).into()),
            ("message", self.message.into()),
        ])
    }

    pub(crate) fn json(&self, dialect: Dialect) -> Json<'a> {
        let words = self.kind.words();
        let message = s(self.message);
        match dialect {
            Dialect::Claude => {
                let error = self.with_members(obj([("type", words.claude.into()), ("message", message)]));
                let mut body = obj([("type", "error".into()), ("error", error)]);
                if let Json::Obj(body) = &mut body {
                    body.push_some("request_id", self.request_id);
                }
                body
            }
            Dialect::OpenAi | Dialect::Responses => {
                let code = words.openai_code.or(self.code);
                let error = obj([
                    ("message", message),
                    ("type", words.openai.into()),
                    ("param", self.param.map_or(Json::Null, Json::from)),
                    ("code", code.map_or(Json::Null, Json::from)),
                ]);
                obj([("error", self.with_members(error))])
            }
            Dialect::Gemini | Dialect::GeminiCli => {
                let error = obj([
                    ("code", n(self.status.into())),
                    ("message", message),
                    ("status", words.gemini.into()),
                ]);
                obj([("error", self.with_members(error))])
            }
        }
    }

    fn with_members(&self, mut error: Json<'a>) -> Json<'a> {
        if let Json::Obj(error) = &mut error {
            for (name, value) in self.members {
                error.push(name, Json::Raw(value.into()));
            }
        }
        error
    }
}

/// The frame of a stream of events for the body of an error that was to be an answer. Not for Responses, where a
/// stream ends with a response that failed: see [`ErrorBody::frame`].
pub fn error_frame(dialect: Dialect, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_event(&mut out, (dialect == Dialect::Claude).then_some("error"), body);
    out
}
