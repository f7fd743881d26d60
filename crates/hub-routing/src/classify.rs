//! What kind of failure an upstream's answer is, and what may be done about it. The judgement rests on status,
//! error type and code; a message is read only where vendors give nothing else.

use hub_types::ErrorClass;

/// How an attempt failed, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure<'a> {
    /// The client hung up.
    ClientAbort,
    /// Connect, TLS, DNS, a reset before any byte, the proxy refused.
    Network,
    /// No first byte in time.
    Timeout,
    /// An answer with an error status.
    Status {
        /// The status.
        status: u16,
        /// `error.type`, or Gemini's `error.status`.
        error_type: Option<&'a str>,
        /// `error.code`.
        code: Option<&'a str>,
        /// `error.message`.
        message: Option<&'a str>,
    },
    /// Status 200 without an answer.
    FakeSuccess,
    /// Broken off after content.
    Truncated,
}

/// What may be done about a class of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Try the same provider once more.
    pub same_provider: bool,
    /// Try another provider.
    pub another_provider: bool,
    /// The breaker counts it ([`ErrorClass::Network`] only if the hub is set to count those).
    pub counts: bool,
    /// The provider pauses for this long, ms, unless the upstream names a time; 0 = no pause.
    pub cool_down_ms: u64,
    /// An admin should hear of it.
    pub alerts: bool,
}

/// The class of a failure.
pub fn classify(failure: Failure<'_>) -> ErrorClass {
    match failure {
        Failure::ClientAbort => ErrorClass::ClientAbort,
        Failure::Network => ErrorClass::Network,
        Failure::Timeout => ErrorClass::Timeout,
        Failure::FakeSuccess => ErrorClass::FakeSuccess,
        Failure::Truncated => ErrorClass::Truncated,
        Failure::Status { status, error_type, code, message } => {
            classify_status(status, error_type, code, message)
        }
    }
}

/// The class of an answer with an error status.
pub fn classify_status(
    status: u16,
    error_type: Option<&str>,
    code: Option<&str>,
    message: Option<&str>,
) -> ErrorClass {
    if status == 529 || error_type == Some("overloaded_error") {
        return ErrorClass::Overloaded;
    }
    match status {
        429 => ErrorClass::Throttled,
        401..=403 => ErrorClass::Credential,
        400 if is_out_of_credit(error_type, code, message) => ErrorClass::Credential,
        404 if !names_something_else(code) => ErrorClass::NotServed,
        408 => ErrorClass::Timeout,
        400..=499 => ErrorClass::RequestFault,
        500.. => ErrorClass::ProviderError,
        // A redirect or the like where an answer should be.
        _ => ErrorClass::FakeSuccess,
    }
}

fn is_out_of_credit(error_type: Option<&str>, code: Option<&str>, message: Option<&str>) -> bool {
    let is_word = |word: Option<&str>| {
        matches!(
            word,
            Some(
                "insufficient_quota"
                    | "billing_error"
                    | "billing_hard_limit_reached"
                    | "insufficient_balance"
            )
        )
    };
    // Anthropic says it with the type of any bad request, so here the message has to tell.
    is_word(error_type)
        || is_word(code)
        || message.is_some_and(|text| text.contains("credit balance is too low"))
}

/// Does a 404 mean a thing of the client's (an earlier response, a file), not the model or the endpoint?
fn names_something_else(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code.ends_with("_not_found") && code != "model_not_found" && code != "endpoint_not_found"
    })
}

/// What may be done about failures of a class.
pub const fn verdict(class: ErrorClass) -> Verdict {
    let nothing = Verdict {
        same_provider: false,
        another_provider: false,
        counts: false,
        cool_down_ms: 0,
        alerts: false,
    };
    let failover = Verdict { another_provider: true, ..nothing };
    let counted = Verdict { counts: true, ..failover };
    match class {
        ErrorClass::ClientAbort | ErrorClass::RequestFault => nothing,
        ErrorClass::Network => Verdict { same_provider: true, ..counted },
        ErrorClass::ProviderError | ErrorClass::Timeout | ErrorClass::FakeSuccess => counted,
        ErrorClass::Overloaded => Verdict { cool_down_ms: 10_000, ..counted },
        ErrorClass::Throttled => Verdict { cool_down_ms: 30_000, ..failover },
        ErrorClass::Credential => Verdict { cool_down_ms: 60_000, alerts: true, ..counted },
        ErrorClass::NotServed => failover,
        // The client has content already: nothing can be tried again.
        ErrorClass::Truncated => Verdict { counts: true, ..nothing },
    }
}
