//! Errors on the wire: which of an error's facts a client gets, and how the words are found. The words themselves,
//! in every dialect, are in `hub_formats::error`.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde_json::Value;

use hub_formats::error::{ErrorBody, ErrorKind, error_frame};
use hub_http::Body;
use hub_types::{Dialect, RequestId};

use crate::ProxyError;

/// The whole answer for a failed request.
pub(crate) fn refusal(dialect: Dialect, id: RequestId, error: &ProxyError) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let mut members = Vec::new();
    if let ProxyError::LimitReached(reached) = error {
        members = reached.members().into_iter().map(|(name, value)| (name, value.to_string())).collect();
        for (name, value) in reached.headers() {
            headers.extend(
                HeaderValue::try_from(value).ok().map(|value| (HeaderName::from_static(name), value)),
            );
        }
    }
    let param = if let ProxyError::NotConvertible { refusal, .. } = error { refusal.param() } else { None };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(after) = error.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if let ProxyError::WrongMethod(allowed) = error {
        headers.insert(http::header::ALLOW, HeaderValue::from_static(allowed));
    }
    let (id, message) = (id.to_string(), error.to_string());
    let body = body(error.status(), error.code(), &message, Some(&id));
    let body = ErrorBody { param, members: &members, ..body }.render(dialect);
    *response.status_mut() = error.status();
    *response.body_mut() = Body::from(body);
    response
}

/// The frame that ends a started stream.
pub(crate) fn stream_error(dialect: Dialect, id: RequestId, error: &ProxyError) -> Bytes {
    let (id, message) = (id.to_string(), error.to_string());
    body(error.status(), error.code(), &message, Some(&id)).frame(dialect).into()
}

/// The frame that ends a started stream, for an error that was to be a whole answer in this dialect.
pub(crate) fn stream_failure(dialect: Dialect, id: RequestId, status: StatusCode, told: &[u8]) -> Bytes {
    let id = id.to_string();
    let parsed = serde_json::from_slice::<Value>(told).ok();
    // Gemini streams that are no event streams are lists, errors included.
    let object = parsed.map(|mut told| told.get_mut(0).map(Value::take).unwrap_or(told));
    let Some(object) = object.filter(|object| object.get("error").is_some()) else {
        let message = format!("the provider answered {status}");
        return body(status, "upstream_failed", &message, Some(&id)).frame(dialect).into();
    };
    if dialect != Dialect::Responses {
        return error_frame(dialect, object.to_string().as_bytes()).into();
    }
    let field = |name: &str| object["error"][name].as_str().unwrap_or_default();
    body(status, field("code"), field("message"), Some(&id)).frame(dialect).into()
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
    let id = id.map(|id| id.to_string());
    body(status, code, message, id.as_deref()).render(dialect)
}

fn body<'a>(status: StatusCode, code: &'a str, message: &'a str, id: Option<&'a str>) -> ErrorBody<'a> {
    ErrorBody { code: Some(code), request_id: id, ..ErrorBody::new(kind(status), status.as_u16(), message) }
}

/// What the hub means with a status of its own.
fn kind(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        // The client's own slowness.
        408 => ErrorKind::Invalid,
        404 => ErrorKind::Missing,
        502..=504 => ErrorKind::Unavailable,
        status => ErrorKind::of_status(status.into()).unwrap_or(ErrorKind::Invalid),
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

    #[test]
    fn whatever_an_error_was_to_be_a_stream_ends_with_one_that_its_clients_read() {
        let id = RequestId::fresh();
        let throttled = StatusCode::TOO_MANY_REQUESTS;
        let frame = |dialect, status, body: &str| {
            String::from_utf8(stream_failure(dialect, id, status, body.as_bytes()).to_vec()).unwrap()
        };
        let listed = "[{\n  \"error\": {\"code\": 429, \"message\": \"m\"}\n}]";
        assert_eq!(
            frame(Dialect::Gemini, throttled, listed),
            "data: {\"error\":{\"code\":429,\"message\":\"m\"}}\n\n",
            "one line, and no list"
        );
        for (code, status, expected) in [
            ("context_length_exceeded", StatusCode::BAD_REQUEST, "context_length_exceeded"),
            ("tokens", throttled, "rate_limit_exceeded"),
            ("whatever", StatusCode::BAD_GATEWAY, "server_error"),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            let frame = frame(Dialect::Responses, status, &body);
            assert!(frame.starts_with("event: response.failed\ndata: "), "{frame}");
            assert!(frame.contains(&format!(r#""error":{{"code":"{expected}","message":"m"}}"#)), "{frame}");
        }
        for body in ["<html>", "", "[]", "7", "{}"] {
            for dialect in Dialect::ALL {
                let frame = frame(dialect, StatusCode::BAD_GATEWAY, body);
                assert!(frame.contains("the provider answered 502 Bad Gateway"), "{dialect} {body}: {frame}");
                assert!(frame.ends_with("}\n\n"), "{frame}");
            }
        }
    }
}
