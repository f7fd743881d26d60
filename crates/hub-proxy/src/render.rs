//! Errors on the wire: the one place that knows how each dialect words them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use hub_http::Body;
use hub_types::{Dialect, RequestId};

use crate::ProxyError;

/// The whole answer for a failed request.
pub(crate) fn refusal(dialect: Dialect, id: RequestId, error: &ProxyError) -> Response<Body> {
    let status = error.status();
    let mut object = error_value(dialect, Some(id), status, error.code(), &error.to_string());
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    if let (ProxyError::NotConvertible { refusal, .. }, Dialect::OpenAi | Dialect::Responses) =
        (error, dialect)
        && let Some(Value::Object(error)) = object.get_mut("error")
    {
        error.insert("param".to_owned(), refusal.param().into());
    }
    if let ProxyError::LimitReached(reached) = error {
        if let Some(Value::Object(error)) = object.get_mut("error") {
            error.extend(reached.members());
        }
        for (name, value) in reached.headers() {
            headers.extend(
                HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value)),
            );
        }
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(after) = error.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if let ProxyError::WrongMethod(allowed) = error {
        headers.insert(http::header::ALLOW, HeaderValue::from_static(allowed));
    }
    *response.status_mut() = status;
    *response.body_mut() = Body::from(object.to_string());
    response
}

/// The frame that ends a started stream.
pub(crate) fn stream_error(dialect: Dialect, id: RequestId, error: &ProxyError) -> Bytes {
    let object = error_object(dialect, Some(id), error.status(), error.code(), &error.to_string());
    let object = String::from_utf8_lossy(&object);
    let frame = match dialect {
        Dialect::Claude => format!("event: error\ndata: {object}\n\n"),
        Dialect::OpenAi | Dialect::Gemini | Dialect::GeminiCli => format!("data: {object}\n\n"),
        Dialect::Responses => response_failed(id, "server_error", &error.to_string()),
    };
    Bytes::from(frame)
}

/// The frame that ends a started stream, for an error that was to be a whole answer in this dialect.
pub(crate) fn stream_failure(dialect: Dialect, id: RequestId, status: StatusCode, body: &[u8]) -> Bytes {
    let parsed = serde_json::from_slice::<Value>(body).ok();
    // Gemini streams that are no event streams are lists, errors included.
    let object = parsed.map(|mut body| body.get_mut(0).map(Value::take).unwrap_or(body));
    let object = object.filter(|object| object.get("error").is_some());
    let object = object.unwrap_or_else(|| {
        let message = format!("the provider answered {status}");
        error_value(dialect, Some(id), status, "upstream_failed", &message)
    });
    let field = |name: &str| object.get("error").and_then(|error| error.get(name)).and_then(Value::as_str);
    let frame = match dialect {
        Dialect::Claude => format!("event: error\ndata: {object}\n\n"),
        Dialect::OpenAi | Dialect::Gemini | Dialect::GeminiCli => format!("data: {object}\n\n"),
        Dialect::Responses => {
            let fallback = if status.as_u16() == 429 { "rate_limit_exceeded" } else { "server_error" };
            let code = field("code").filter(|code| KNOWN_TO_CODEX.contains(code)).unwrap_or(fallback);
            response_failed(id, code, field("message").unwrap_or_default())
        }
    };
    Bytes::from(frame)
}

/// Codes of failed responses that Codex treats differently from others.
const KNOWN_TO_CODEX: [&str; 4] =
    ["context_length_exceeded", "insufficient_quota", "usage_not_included", "rate_limit_exceeded"];

fn response_failed(id: RequestId, code: &str, message: &str) -> String {
    let said = json!({ "code": code, "message": message });
    let failed = json!({
        "type": "response.failed",
        "response": {
            "id": format!("resp_{}", id.0.simple()),
            "object": "response",
            "status": "failed",
            "error": said,
        },
        // The vendor's SDKs hand the event on as any other, but raise an error that stands here.
        "error": said,
    });
    format!("event: response.failed\ndata: {failed}\n\n")
}

/// Does a provider's error say something that a client of this dialect finds?
pub(crate) fn is_error_of(dialect: Dialect, body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    // Gemini streams that are no event streams are lists, errors included.
    let is_gemini = matches!(dialect, Dialect::Gemini | Dialect::GeminiCli);
    let object = if is_gemini { body.get(0).unwrap_or(&body) } else { &body };
    let field = |name: &str| object.get("error").and_then(|error| error.get(name));
    let says_something =
        field("message").and_then(Value::as_str).is_some_and(|message| !message.trim().is_empty());
    says_something
        && match dialect {
            Dialect::Claude => {
                object.get("type").is_some_and(|kind| kind == "error")
                    && field("type").is_some_and(Value::is_string)
            }
            Dialect::OpenAi | Dialect::Responses => true,
            Dialect::Gemini | Dialect::GeminiCli => field("code").is_some_and(Value::is_number),
        }
}

/// The error object of a dialect.
pub(crate) fn error_object(
    dialect: Dialect,
    id: Option<RequestId>,
    status: StatusCode,
    code: &str,
    message: &str,
) -> Vec<u8> {
    error_value(dialect, id, status, code, message).to_string().into_bytes()
}

fn error_value(
    dialect: Dialect,
    id: Option<RequestId>,
    status: StatusCode,
    code: &str,
    message: &str,
) -> Value {
    let words = words(status);
    match dialect {
        Dialect::Claude => json!({
            "type": "error",
            "error": { "type": words.claude, "message": message },
            "request_id": id.map(|id| id.to_string()),
        }),
        Dialect::OpenAi | Dialect::Responses => json!({
            "error": {
                "message": message,
                "type": words.openai,
                "param": null,
                "code": words.openai_code.unwrap_or(code),
            },
        }),
        Dialect::Gemini | Dialect::GeminiCli => json!({
            "error": { "code": status.as_u16(), "message": message, "status": words.gemini },
        }),
    }
}

struct Words {
    claude: &'static str,
    openai: &'static str,
    /// Where clients look for a certain code; elsewhere it is the hub's own.
    openai_code: Option<&'static str>,
    gemini: &'static str,
}

fn words(status: StatusCode) -> Words {
    let invalid = Words {
        claude: "invalid_request_error",
        openai: "invalid_request_error",
        openai_code: None,
        gemini: "INVALID_ARGUMENT",
    };
    match status.as_u16() {
        401 => Words {
            claude: "authentication_error",
            openai: "authentication_error",
            openai_code: Some("invalid_api_key"),
            gemini: "UNAUTHENTICATED",
        },
        403 => Words {
            claude: "permission_error",
            openai: "permission_error",
            openai_code: None,
            gemini: "PERMISSION_DENIED",
        },
        404 => Words {
            claude: "not_found_error",
            openai: "not_found_error",
            openai_code: None,
            gemini: "NOT_FOUND",
        },
        413 => Words { claude: "request_too_large", openai_code: Some("request_too_large"), ..invalid },
        429 => Words {
            claude: "rate_limit_error",
            openai: "rate_limit_error",
            openai_code: Some("rate_limit_exceeded"),
            gemini: "RESOURCE_EXHAUSTED",
        },
        529 => Words {
            claude: "overloaded_error",
            openai: "server_error",
            openai_code: None,
            gemini: "UNAVAILABLE",
        },
        502..=504 => {
            Words { claude: "api_error", openai: "server_error", openai_code: None, gemini: "UNAVAILABLE" }
        }
        500.. => Words { claude: "api_error", openai: "server_error", openai_code: None, gemini: "INTERNAL" },
        _ => invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_with_a_message_where_clients_look_for_it_pass_as_they_are() {
        let claude = r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#;
        let openai = r#"{"error":{"message":"m","code":null}}"#;
        let gemini = r#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}"#;
        let listed = format!("[{gemini}]");
        for (dialect, body, passes) in [
            (Dialect::Claude, claude, true),
            (Dialect::Claude, openai, false),
            (Dialect::OpenAi, openai, true),
            (Dialect::Responses, openai, true),
            (Dialect::Gemini, gemini, true),
            (Dialect::GeminiCli, listed.as_str(), true),
            (Dialect::Gemini, openai, false),
            (Dialect::OpenAi, r#"{"error":{"message":" "}}"#, false),
            (Dialect::OpenAi, r#"{"error":"text"}"#, false),
            (Dialect::OpenAi, "<html>", false),
            (Dialect::Claude, "", false),
        ] {
            assert_eq!(is_error_of(dialect, body.as_bytes()), passes, "{dialect} {body}");
        }
    }
}
