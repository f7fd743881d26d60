//! Errors of each vendor, in the words of each other one.

use hub_formats::convert::{
    ErrorClass, Failure, Refusal, Source, Target, convert_request, read_failure, render_failure,
    render_refusal,
};
use hub_types::Dialect;
use serde_json::{Value, json};

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn every_class_has_its_status_and_words_in_every_dialect() {
    use ErrorClass as C;
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
            (413, "invalid_request_error", None),
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
    for (class, claude, openai, gemini) in table {
        let failure = Failure { class, message: "so it goes".to_owned() };
        let body = |dialect| json(&render_failure(&failure, dialect));
        assert_eq!(class.status(Dialect::Claude), claude.0);
        assert_eq!(
            body(Dialect::Claude),
            json!({"type": "error", "error": {"type": claude.1, "message": "so it goes"}})
        );
        assert_eq!(class.status(Dialect::Responses), openai.0);
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
        (failure.class, failure.message)
    };
    for (status, body, class, message) in [
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9"}}"#,
            ErrorClass::ContextLength,
            "prompt is too long: 9",
        ),
        (
            429,
            r#"{"error":{"message":"no money","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            ErrorClass::Billing,
            "no money",
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}]"#,
            ErrorClass::Rate,
            "slow down",
        ),
        (
            529,
            r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            ErrorClass::Overloaded,
            "Overloaded",
        ),
        (502, "<html><body>Bad gateway</body></html>", ErrorClass::Api, "the upstream failed"),
        (503, "try later\n", ErrorClass::Overloaded, "try later"),
        (422, "", ErrorClass::Invalid, "the upstream failed"),
    ] {
        assert_eq!(read(status, body), (class, message.to_owned()), "{body}");
    }
}

#[test]
fn a_refusal_names_the_member_that_is_to_blame() {
    let body = br#"{"input":"x","previous_response_id":"r"}"#;
    let source = Source { dialect: Dialect::Responses, body, path_model: None, path_stream: false };
    let refusal: Refusal = convert_request(source, &Target::new(Dialect::Claude, "m")).unwrap_err();
    let told = json(&render_refusal(&refusal, Dialect::Responses));
    assert_eq!(told["error"]["param"], "previous_response_id");
    assert_eq!(told["error"]["type"], "invalid_request_error");
}
