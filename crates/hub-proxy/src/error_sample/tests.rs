use hub_types::{ErrorRule, TextMatch};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

fn rule(pattern: &str, class: ErrorClass) -> ErrorRule {
    ErrorRule {
        id: ErrorRuleId(4),
        name: "odd".to_owned(),
        description: String::new(),
        is_enabled: true,
        priority: 0,
        provider_types: Vec::new(),
        provider_id: None,
        status: None,
        error_type: None,
        pattern: Some(pattern.to_owned()),
        pattern_match: TextMatch::Contains,
        class,
        replacement_status: None,
        replacement_message: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn sample(provider_type: ProviderType, status: u16, body: impl Into<Bytes>) -> ErrorSample {
    let status = StatusCode::from_u16(status).unwrap();
    ErrorSample { provider: ProviderId(1), provider_type, status, body: body.into() }
}

#[track_caller]
fn judge(sample: &ErrorSample, rule: ErrorRule) -> SampleVerdict {
    sample.judge(&ErrorRules::build([rule]).0).expect("it is a failure")
}

/// What clients see, by dialect: status, message, and the word that they go by.
fn seen(verdict: &SampleVerdict) -> Vec<(Dialect, u16, String, Value)> {
    let of = |seen: &SeenByClient| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        let message = body["error"]["message"].as_str().unwrap().to_owned();
        let word = if seen.dialect == Dialect::Claude { "type" } else { "status" };
        let word = body["error"].get(word).unwrap_or(&body["error"]["type"]).clone();
        (seen.dialect, seen.status, message, word)
    };
    verdict.clients.iter().map(of).collect()
}

fn claude_error(kind: &str, message: &str) -> String {
    json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

#[test]
fn a_class_that_the_status_does_not_tell_gets_a_status_that_clients_understand() {
    let busy = sample(ProviderType::Claude, 400, claude_error("invalid_request_error", "Come back later"));
    let overloaded = judge(&busy, rule("come back", ErrorClass::Overloaded));
    assert_eq!((overloaded.rule, overloaded.class), (Some(ErrorRuleId(4)), ErrorClass::Overloaded));
    assert_eq!(
        (overloaded.built_in, overloaded.text.as_str()),
        (ErrorClass::RequestFault, "Come back later")
    );
    let statuses: Vec<u16> = overloaded.clients.iter().map(|client| client.status).collect();
    for (dialect, status, message, word) in seen(&overloaded) {
        assert_eq!(status, if dialect == Dialect::Claude { 529 } else { 503 }, "{statuses:?}");
        assert_eq!(message, "Come back later", "the provider's own message stays");
        let expected = match dialect {
            Dialect::Claude => "overloaded_error",
            Dialect::OpenAi | Dialect::Responses => "server_error",
            Dialect::Gemini | Dialect::GeminiCli => "UNAVAILABLE",
        };
        assert_eq!(word, expected);
    }
    let fault = sample(ProviderType::Claude, 500, claude_error("api_error", "tool result is missing"));
    let fault = judge(&fault, rule("tool result", ErrorClass::RequestFault));
    assert!(
        seen(&fault)
            .iter()
            .all(|(_, status, message, _)| (*status, message.as_str()) == (400, "tool result is missing"))
    );
}

#[test]
fn an_error_that_means_the_same_passes_as_it_came() {
    let body = claude_error("rate_limit_error", "slow down");
    let verdict =
        judge(&sample(ProviderType::Claude, 429, body.clone()), rule("slow", ErrorClass::Throttled));
    let claude = verdict.clients.iter().find(|client| client.dialect == Dialect::Claude).unwrap();
    assert_eq!((claude.status, &claude.body[..]), (429, body.as_bytes()));
}

#[test]
fn a_replacement_is_what_clients_of_every_dialect_see() {
    for (status, body) in [
        (500, claude_error("api_error", "internal detail")),
        (200, claude_error("api_error", "internal detail")),
        (200, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"internal detail\"}}\n\n".to_owned()),
        (502, "<html>internal detail</html>".to_owned()),
        (200, "<html>internal detail</html>".to_owned()),
        (403, r#"{"success":false,"msg":"internal detail"}"#.to_owned()),
        (200, r#"{"success":false,"msg":"internal detail"}"#.to_owned()),
    ] {
        for class in ErrorRule::CLASSES {
            let replacing = ErrorRule {
                replacement_status: Some(418),
                replacement_message: Some("Ask the admin".to_owned()),
                ..rule("internal detail", class)
            };
            let verdict = judge(&sample(ProviderType::Claude, status, body.clone()), replacing);
            assert_eq!(verdict.class, class);
            for (_, seen, message, _) in seen(&verdict) {
                assert_eq!((seen, message.as_str()), (418, "Ask the admin"), "{status} {body}");
            }
        }
    }
}

#[test]
fn nothing_is_seen_of_the_hubs_account_whatever_a_rule_says() {
    let body = claude_error("invalid_request_error", "account acct-17 is suspended");
    let suspended = sample(ProviderType::Claude, 400, body);
    let with_status =
        ErrorRule { replacement_status: Some(503), ..rule("suspended", ErrorClass::Credential) };
    for rule in [rule("suspended", ErrorClass::Credential), with_status] {
        for client in judge(&suspended, rule).clients {
            assert!(!String::from_utf8_lossy(&client.body).contains("acct-17"));
            assert!(client.status >= 500);
        }
    }
}

#[test]
fn what_is_in_a_success_gets_the_status_of_its_class() {
    let hidden = r#"{"error":{"code":429,"message":"quota used up","status":"ODD"}}"#;
    let verdict = judge(&sample(ProviderType::Gemini, 200, hidden), rule("quota", ErrorClass::Throttled));
    assert_eq!((verdict.built_in, verdict.error_type.as_deref()), (ErrorClass::FakeSuccess, Some("ODD")));
    assert!(
        seen(&verdict)
            .iter()
            .all(|(_, status, message, _)| (*status, message.as_str()) == (429, "quota used up"))
    );
    let odd = sample(ProviderType::OpenAiCompatible, 200, r#"{"code":17,"msg":"quota used up"}"#);
    let verdict = judge(&odd, rule("quota", ErrorClass::Throttled));
    assert_eq!((verdict.class, verdict.clients[0].status), (ErrorClass::Throttled, 429));
}

#[test]
fn answers_with_content_are_no_failures_and_without_a_rule_nothing_changes() {
    let good = r#"{"choices":[{"message":{"role":"assistant","content":"overloaded with joy"},"finish_reason":"stop"}]}"#;
    let good = sample(ProviderType::OpenAiCompatible, 200, good);
    let (rules, _) = ErrorRules::build([rule("overloaded", ErrorClass::Overloaded)]);
    assert_eq!(good.judge(&rules), None);
    let plain = sample(ProviderType::Claude, 500, claude_error("api_error", "m"));
    assert_eq!(plain.judge(&rules), plain.judge(&ErrorRules::default()));
    assert_eq!(plain.judge(&rules).unwrap().rule, None);
}
