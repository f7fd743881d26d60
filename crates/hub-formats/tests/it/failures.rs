//! Errors of each vendor, in the words of each other one.

use hub_formats::error::{ErrorBody, ErrorKind, Failure, read_failure, render_failure};
use hub_types::Dialect;
use serde_json::{Value, json};

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn every_kind_has_its_status_and_words_in_every_dialect() {
    use ErrorKind as C;
    let table = [
        (
            C::Invalid,
            (400, "invalid_request_error"),
            (400, "invalid_request_error", None),
            (400, "INVALID_ARGUMENT"),
        ),
        (
            C::ContextLength,
            (400, "invalid_request_error"),
            (400, "invalid_request_error", Some("context_length_exceeded")),
            (400, "INVALID_ARGUMENT"),
        ),
        (
            C::Auth,
            (401, "authentication_error"),
            (401, "authentication_error", Some("invalid_api_key")),
            (401, "UNAUTHENTICATED"),
        ),
        (
            C::Permission,
            (403, "permission_error"),
            (403, "permission_error", None),
            (403, "PERMISSION_DENIED"),
        ),
        (
            C::Billing,
            (402, "billing_error"),
            (429, "insufficient_quota", Some("insufficient_quota")),
            (429, "RESOURCE_EXHAUSTED"),
        ),
        (
            C::NotFound,
            (404, "not_found_error"),
            (404, "invalid_request_error", Some("model_not_found")),
            (404, "NOT_FOUND"),
        ),
        (
            C::TooLarge,
            (413, "request_too_large"),
            (413, "invalid_request_error", Some("request_too_large")),
            (413, "INVALID_ARGUMENT"),
        ),
        (
            C::Rate,
            (429, "rate_limit_error"),
            (429, "rate_limit_error", Some("rate_limit_exceeded")),
            (429, "RESOURCE_EXHAUSTED"),
        ),
        (
            C::Overloaded,
            (529, "overloaded_error"),
            (503, "server_error", Some("overloaded")),
            (503, "UNAVAILABLE"),
        ),
        (C::Timeout, (504, "timeout_error"), (504, "server_error", None), (504, "DEADLINE_EXCEEDED")),
        (C::Api, (502, "api_error"), (502, "server_error", None), (502, "INTERNAL")),
    ];
    for (kind, claude, openai, gemini) in table {
        let failure = Failure { kind, message: "so it goes".to_owned() };
        let body = |dialect| json(&render_failure(&failure, dialect));
        assert_eq!(kind.status(Dialect::Claude), claude.0);
        assert_eq!(
            body(Dialect::Claude),
            json!({"type": "error", "error": {"type": claude.1, "message": "so it goes"}})
        );
        assert_eq!(kind.status(Dialect::Responses), openai.0);
        assert_eq!(
            body(Dialect::OpenAi),
            json!({"error": {"message": "so it goes", "type": openai.1, "param": null, "code": openai.2}})
        );
        assert_eq!(
            body(Dialect::Gemini),
            json!({"error": {"code": gemini.0, "message": "so it goes", "status": gemini.1}})
        );
    }
}

#[test]
fn errors_of_every_vendor_are_read() {
    let read = |status, body: &str| {
        let failure = read_failure(status, body.as_bytes());
        (failure.kind, failure.message)
    };
    for (status, body, class, message) in [
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9"}}"#,
            ErrorKind::ContextLength,
            "prompt is too long: 9",
        ),
        (
            429,
            r#"{"error":{"message":"no money","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            ErrorKind::Billing,
            "no money",
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}]"#,
            ErrorKind::Rate,
            "slow down",
        ),
        (
            529,
            r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            ErrorKind::Overloaded,
            "Overloaded",
        ),
        (502, "<html><body>Bad gateway</body></html>", ErrorKind::Api, "the upstream failed"),
        (503, "try later\n", ErrorKind::Overloaded, "try later"),
        (422, "", ErrorKind::Invalid, "the upstream failed"),
    ] {
        assert_eq!(read(status, body), (class, message.to_owned()), "{body}");
    }
}

#[test]
fn what_the_hub_says_itself_has_its_own_code_member_and_id_where_dialects_have_a_place() {
    let members = [("limit".to_owned(), "\"5\"".to_owned())];
    let body = ErrorBody {
        code: Some("not_convertible"),
        param: Some("previous_response_id"),
        request_id: Some("0-1"),
        members: &members,
        ..ErrorBody::new(ErrorKind::Invalid, 415, "so it goes")
    };
    assert_eq!(
        json(&body.render(Dialect::Claude)),
        json!({"type": "error", "request_id": "0-1",
            "error": {"type": "invalid_request_error", "message": "so it goes", "limit": "5"}})
    );
    assert_eq!(
        json(&body.render(Dialect::Responses)),
        json!({"error": {"message": "so it goes", "type": "invalid_request_error",
            "param": "previous_response_id", "code": "not_convertible", "limit": "5"}})
    );
    assert_eq!(
        json(&body.render(Dialect::GeminiCli)),
        json!({"error": {"code": 415, "message": "so it goes", "status": "INVALID_ARGUMENT", "limit": "5"}})
    );
    let clear = ErrorBody { kind: ErrorKind::Auth, ..body };
    assert_eq!(
        json(&clear.render(Dialect::OpenAi))["error"]["code"],
        "invalid_api_key",
        "clients look for it"
    );
}

#[test]
fn a_stream_ends_with_an_error_in_one_event() {
    let frame = |dialect, kind, code| {
        let body = ErrorBody {
            code: Some(code),
            request_id: Some("0-1"),
            ..ErrorBody::new(kind, 502, "so\nit goes")
        };
        String::from_utf8(body.frame(dialect)).unwrap()
    };
    assert!(
        frame(Dialect::Claude, ErrorKind::Api, "x").starts_with("event: error\ndata: {\"type\":\"error\",")
    );
    for dialect in [Dialect::OpenAi, Dialect::Gemini, Dialect::GeminiCli] {
        assert!(frame(dialect, ErrorKind::Api, "x").starts_with("data: {\"error\":{"));
    }
    for dialect in Dialect::ALL {
        let frame = frame(dialect, ErrorKind::Api, "x");
        assert_eq!(frame.matches("data: ").count(), 1, "{frame}");
        assert!(frame.ends_with("}\n\n"), "{frame}");
    }
    for (kind, code, expected) in [
        (ErrorKind::Invalid, "not_convertible", "invalid_prompt"),
        (ErrorKind::Rate, "tokens", "rate_limit_exceeded"),
        (ErrorKind::Unavailable, "no_provider", "server_error"),
        (ErrorKind::Api, "usage_not_included", "usage_not_included"),
    ] {
        let frame = frame(Dialect::Responses, kind, code);
        let data = frame.strip_prefix("event: response.failed\ndata: ").unwrap();
        let said = json!({"code": expected, "message": "so\nit goes"});
        assert_eq!(
            json(data.as_bytes()),
            json!({"type": "response.failed", "error": said,
                "response": {"id": "resp_01", "object": "response", "status": "failed", "error": said}})
        );
    }
}
