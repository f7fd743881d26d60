//! Kinds of failures, and the words that each vendor has for them.

use hub_types::Dialect;

/// A kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
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
    /// The vendor has no such model or thing.
    NotFound,
    /// The hub has nothing of that name itself.
    Missing,
    /// The request has too many bytes.
    TooLarge,
    /// Too many requests.
    Rate,
    /// The vendor has no room.
    Overloaded,
    /// Nobody can answer at the moment.
    Unavailable,
    /// It took too long.
    Timeout,
    /// Anything else that is not the client's fault.
    Api,
}

/// What each dialect calls a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// Claude: the type.
    pub(super) claude: &'static str,
    /// OpenAI: the type.
    pub(super) openai: &'static str,
    /// OpenAI: the code, where its clients look for a certain one.
    pub(super) openai_code: Option<&'static str>,
    /// The code in a response that failed half-way: clients know only these.
    pub(super) responses_code: &'static str,
    /// Gemini: the status.
    pub(super) gemini: &'static str,
}

impl ErrorKind {
    /// By an HTTP status of an upstream; `None` = not an error.
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
    pub(super) fn of_word(word: &str) -> Option<Self> {
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

    /// The HTTP status that clients of `dialect` expect with it.
    pub const fn status(self, dialect: Dialect) -> u16 {
        let claude = matches!(dialect, Dialect::Claude);
        match self {
            Self::Invalid | Self::ContextLength => 400,
            Self::Auth => 401,
            Self::Permission => 403,
            Self::Billing if claude => 402,
            Self::NotFound | Self::Missing => 404,
            Self::TooLarge => 413,
            Self::Billing | Self::Rate => 429,
            Self::Overloaded if claude => 529,
            Self::Overloaded | Self::Unavailable => 503,
            Self::Timeout => 504,
            Self::Api => 502,
        }
    }

    /// In every dialect.
    pub(super) const fn words(self) -> Words {
        const BAD: &str = "invalid_request_error";
        match self {
            Self::Invalid => words(BAD, BAD, None, "invalid_prompt", "INVALID_ARGUMENT"),
            Self::ContextLength => {
                let code = "context_length_exceeded";
                words(BAD, BAD, Some(code), code, "INVALID_ARGUMENT")
            }
            Self::Auth => {
                let kind = "authentication_error";
                words(kind, kind, Some("invalid_api_key"), "server_error", "UNAUTHENTICATED")
            }
            Self::Permission => {
                words("permission_error", "permission_error", None, "server_error", "PERMISSION_DENIED")
            }
            Self::Billing => {
                let code = "insufficient_quota";
                words("billing_error", code, Some(code), code, "RESOURCE_EXHAUSTED")
            }
            Self::NotFound => {
                words("not_found_error", BAD, Some("model_not_found"), "invalid_prompt", "NOT_FOUND")
            }
            Self::Missing => words("not_found_error", "not_found_error", None, "invalid_prompt", "NOT_FOUND"),
            Self::TooLarge => {
                let kind = "request_too_large";
                words(kind, BAD, Some(kind), "invalid_prompt", "INVALID_ARGUMENT")
            }
            Self::Rate => {
                let code = "rate_limit_exceeded";
                words("rate_limit_error", "rate_limit_error", Some(code), code, "RESOURCE_EXHAUSTED")
            }
            Self::Overloaded => {
                words("overloaded_error", "server_error", Some("overloaded"), "server_error", "UNAVAILABLE")
            }
            Self::Unavailable => words("api_error", "server_error", None, "server_error", "UNAVAILABLE"),
            Self::Timeout => {
                words("timeout_error", "server_error", None, "server_error", "DEADLINE_EXCEEDED")
            }
            Self::Api => words("api_error", "server_error", None, "server_error", "INTERNAL"),
        }
    }
}

/// In the order of the fields.
const fn words(
    claude: &'static str,
    openai: &'static str,
    openai_code: Option<&'static str>,
    responses_code: &'static str,
    gemini: &'static str,
) -> Words {
    Words { claude, openai, openai_code, responses_code, gemini }
}
