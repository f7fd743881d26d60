//! What went wrong, in every vendor's words.

use hub_types::Dialect;

use crate::convert::json::{Json, n, obj, s};
use crate::convert::tape::View;

/// A kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The request is not valid.
    Invalid,
    /// The conversation is too long for the model.
    ContextLength,
    /// The credential is not valid.
    Auth,
    /// The credential may not do this.
    Permission,
    /// The account has no money left.
    Billing,
    /// There is no such model or thing.
    NotFound,
    /// The request has too many bytes.
    TooLarge,
    /// Too many requests.
    Rate,
    /// The vendor has no room.
    Overloaded,
    /// It took too long.
    Timeout,
    /// Anything else that is not the client's fault.
    Api,
}

/// A failure with what the vendor said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its kind.
    pub class: ErrorClass,
    /// The vendor's words, at most 2 KiB of them, **not** redacted.
    pub message: String,
}

const MAX_MESSAGE: usize = 2048;

impl ErrorClass {
    /// By an HTTP status; `None` = not an error.
    pub fn of_status(status: u64) -> Option<Self> {
        Some(match status {
            0..400 => return None,
            401 => Self::Auth,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::Rate,
            503 | 529 => Self::Overloaded,
            400..500 => Self::Invalid,
            _ => Self::Api,
        })
    }

    /// By a vendor's word: a type, a code or a status.
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "invalid_request_error" | "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "invalid_prompt" => {
                Self::Invalid
            }
            "context_length_exceeded" => Self::ContextLength,
            "authentication_error" | "UNAUTHENTICATED" | "invalid_api_key" => Self::Auth,
            "permission_error" | "PERMISSION_DENIED" => Self::Permission,
            "billing_error" | "insufficient_quota" | "usage_not_included" => Self::Billing,
            "not_found_error" | "NOT_FOUND" | "model_not_found" => Self::NotFound,
            "request_too_large" => Self::TooLarge,
            "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" => Self::Rate,
            "overloaded_error" | "overloaded" | "UNAVAILABLE" => Self::Overloaded,
            "timeout_error" | "DEADLINE_EXCEEDED" => Self::Timeout,
            "api_error" | "server_error" | "INTERNAL" => Self::Api,
            _ => return None,
        })
    }

    /// The HTTP status that clients of `dialect` get.
    pub const fn status(self, dialect: Dialect) -> u16 {
        let claude = matches!(dialect, Dialect::Claude);
        match self {
            Self::Invalid | Self::ContextLength => 400,
            Self::Auth => 401,
            Self::Permission => 403,
            Self::Billing if claude => 402,
            Self::NotFound => 404,
            Self::TooLarge => 413,
            Self::Billing | Self::Rate => 429,
            Self::Overloaded if claude => 529,
            Self::Overloaded => 503,
            Self::Timeout => 504,
            Self::Api => 502,
        }
    }

    const fn claude(self) -> &'static str {
        match self {
            Self::Invalid | Self::ContextLength => "invalid_request_error",
            Self::Auth => "authentication_error",
            Self::Permission => "permission_error",
            Self::Billing => "billing_error",
            Self::NotFound => "not_found_error",
            Self::TooLarge => "request_too_large",
            Self::Rate => "rate_limit_error",
            Self::Overloaded => "overloaded_error",
            Self::Timeout => "timeout_error",
            Self::Api => "api_error",
        }
    }

    /// Type and code.
    const fn openai(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Invalid | Self::TooLarge => ("invalid_request_error", None),
            Self::ContextLength => ("invalid_request_error", Some("context_length_exceeded")),
            Self::Auth => ("authentication_error", Some("invalid_api_key")),
            Self::Permission => ("permission_error", None),
            Self::Billing => ("insufficient_quota", Some("insufficient_quota")),
            Self::NotFound => ("invalid_request_error", Some("model_not_found")),
            Self::Rate => ("rate_limit_error", Some("rate_limit_exceeded")),
            Self::Overloaded => ("server_error", Some("overloaded")),
            Self::Timeout | Self::Api => ("server_error", None),
        }
    }

    /// The code that stands in a failed Responses object: clients know only these.
    pub(crate) const fn responses_code(self) -> &'static str {
        match self {
            Self::ContextLength => "context_length_exceeded",
            Self::Billing => "insufficient_quota",
            Self::Rate => "rate_limit_exceeded",
            Self::Invalid | Self::TooLarge | Self::NotFound => "invalid_prompt",
            _ => "server_error",
        }
    }

    const fn gemini(self) -> &'static str {
        match self {
            Self::Invalid | Self::ContextLength | Self::TooLarge => "INVALID_ARGUMENT",
            Self::Auth => "UNAUTHENTICATED",
            Self::Permission => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::Billing | Self::Rate => "RESOURCE_EXHAUSTED",
            Self::Overloaded => "UNAVAILABLE",
            Self::Timeout => "DEADLINE_EXCEEDED",
            Self::Api => "INTERNAL",
        }
    }
}

/// Does a vendor complain about the length of the conversation?
pub(super) fn is_too_long(message: &str) -> bool {
    let words = ["prompt is too long", "maximum context length", "exceeds the maximum number of tokens"];
    words.iter().any(|words| message.contains(words))
}

impl Failure {
    pub(crate) fn new(class: ErrorClass, message: &str) -> Self {
        let mut end = message.len().min(MAX_MESSAGE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        Self { class, message: message.get(..end).unwrap_or_default().to_owned() }
    }

    /// Reads the error object of any dialect.
    pub(crate) fn read(error: View<'_>) -> Self {
        let message =
            error.str_at("message").or_else(|| error.str()).unwrap_or("the upstream reported an error");
        let words = ["code", "status", "type"].map(|key| error.str_at(key));
        let by_word = words.into_iter().flatten().find_map(ErrorClass::of_word);
        let by_number = error.get("code").and_then(View::u64).and_then(ErrorClass::of_status);
        let mut class = by_word.or(by_number).unwrap_or(ErrorClass::Api);
        if class == ErrorClass::Invalid && is_too_long(message) {
            class = ErrorClass::ContextLength;
        }
        Self::new(class, message)
    }

    /// The error's body in a dialect.
    pub(crate) fn body(&self, dialect: Dialect) -> Json<'_> {
        let message = s(self.message.as_str());
        match dialect {
            Dialect::Claude => {
                let error = obj([("type", self.class.claude().into()), ("message", message)]);
                obj([("type", "error".into()), ("error", error)])
            }
            Dialect::OpenAi | Dialect::Responses => {
                let (kind, code) = self.class.openai();
                let error = obj([
                    ("message", message),
                    ("type", kind.into()),
                    ("param", Json::Null),
                    ("code", code.map_or(Json::Null, Json::from)),
                ]);
                obj([("error", error)])
            }
            Dialect::Gemini | Dialect::GeminiCli => {
                let error = obj([
                    ("code", n(self.class.status(dialect).into())),
                    ("message", message),
                    ("status", self.class.gemini().into()),
                ]);
                obj([("error", error)])
            }
        }
    }
}
