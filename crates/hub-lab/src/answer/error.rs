//! Errors, in the words of each vendor.

use hub_types::Dialect;
use serde_json::{Value, json};

use super::frame::{Frame, ID_SLOT, SseWriter};
use super::responses::response_object;
use crate::behaviour::Behaviour;
use crate::route::Framing;

/// An error to answer with.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) status: u16,
    kind: String,
    message: String,
    code: Option<String>,
}

impl Fault {
    /// The error that a behaviour asks for. Without a status: overloaded.
    pub(crate) fn scripted(dialect: Dialect, behaviour: &Behaviour) -> Self {
        let overloaded = if dialect == Dialect::Claude { 529 } else { 503 };
        let status = behaviour.status.filter(|status| *status >= 400).unwrap_or(overloaded);
        let mut fault = Self::new(dialect, status, format!("simulated error {status}"));
        if let Some(kind) = &behaviour.error_type {
            fault.kind.clone_from(kind);
        }
        if let Some(message) = &behaviour.error_message {
            fault.message.clone_from(message);
        }
        if behaviour.error_code.is_some() {
            fault.code.clone_from(&behaviour.error_code);
        }
        fault
    }

    pub(crate) fn new(dialect: Dialect, status: u16, message: impl Into<String>) -> Self {
        let (kind, code) = words(dialect, status);
        Self { status, kind: kind.to_owned(), message: message.into(), code: code.map(str::to_owned) }
    }

    fn object(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::Claude => json!({
                "type": "error",
                "error": {"type": self.kind, "message": self.message},
                "request_id": format!("req_{ID_SLOT}"),
            }),
            Dialect::OpenAi | Dialect::Responses => json!({
                "error": {"message": self.message, "type": self.kind, "param": null, "code": self.code},
            }),
            Dialect::Gemini | Dialect::GeminiCli => json!({
                "error": {"code": self.status, "message": self.message, "status": self.kind},
            }),
        }
    }

    /// The error as a whole body.
    pub(crate) fn body(&self, dialect: Dialect) -> Frame {
        Frame::new(self.object(dialect).to_string().into_bytes(), false, None)
    }

    /// The error as a frame of a stream of which `before` frames were sent.
    pub(crate) fn frame(&self, dialect: Dialect, framing: Framing, model: &str, before: usize) -> Vec<Frame> {
        if framing == Framing::Array {
            let lead = if before == 0 { "[" } else { ",\r\n" };
            let body = self.object(dialect);
            return vec![Frame::new(format!("{lead}{body}]").into_bytes(), false, None)];
        }
        let mut sse = SseWriter::new(matches!(dialect, Dialect::Gemini | Dialect::GeminiCli), false);
        match dialect {
            Dialect::Claude => sse.typed(&self.object(dialect), false, None),
            Dialect::Responses => {
                let code = self.code.as_deref().unwrap_or(&self.kind);
                let error = json!({"code": code, "message": self.message});
                let failed = json!({
                    "type": "response.failed",
                    "sequence_number": before,
                    "response": response_object(model, "failed", &[], None, &error),
                });
                sse.typed(&failed, false, None);
            }
            // Code Assist sends errors outside its wrapper, like the bare dialect.
            Dialect::OpenAi | Dialect::Gemini | Dialect::GeminiCli => {
                sse.bare(&self.object(dialect), false, None);
            }
        }
        sse.into_frames()
    }
}

/// The type (Gemini: status word) and code that belong to an HTTP status.
fn words(dialect: Dialect, status: u16) -> (&'static str, Option<&'static str>) {
    match dialect {
        Dialect::Claude => {
            let kind = match status {
                401 => "authentication_error",
                402 => "billing_error",
                403 => "permission_error",
                404 => "not_found_error",
                413 => "request_too_large",
                429 => "rate_limit_error",
                504 => "timeout_error",
                529 => "overloaded_error",
                500.. => "api_error",
                _ => "invalid_request_error",
            };
            (kind, None)
        }
        Dialect::OpenAi | Dialect::Responses => match status {
            401 => ("authentication_error", Some("invalid_api_key")),
            402 => ("insufficient_quota", Some("insufficient_quota")),
            403 => ("permission_error", None),
            404 => ("invalid_request_error", Some("model_not_found")),
            429 => ("rate_limit_error", Some("rate_limit_exceeded")),
            500.. => ("server_error", Some("server_error")),
            _ => ("invalid_request_error", None),
        },
        Dialect::Gemini | Dialect::GeminiCli => {
            let word = match status {
                401 => "UNAUTHENTICATED",
                403 => "PERMISSION_DENIED",
                404 => "NOT_FOUND",
                402 | 429 => "RESOURCE_EXHAUSTED",
                503 | 529 => "UNAVAILABLE",
                504 => "DEADLINE_EXCEEDED",
                500.. => "INTERNAL",
                _ => "INVALID_ARGUMENT",
            };
            (word, None)
        }
    }
}
