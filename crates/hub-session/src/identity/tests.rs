use http::{HeaderMap, HeaderName, HeaderValue};

use hub_formats::scan::scan_request;
use hub_types::{Dialect, KeyId, SessionId};

use super::{Identity, SessionSource as Source, answer_hash, identify};

const UUID: &str = "3f2b8a54-7c0e-4d1b-9a86-0c5d2e9f1a77";
const OTHER: &str = "01a0c5e2-11aa-7bbb-8ccc-0123456789ab";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

fn identity(dialect: Dialect, pairs: &[(&str, &str)], body: &str) -> Identity {
    identify(dialect, &headers(pairs), &scan_request(dialect, body.as_bytes()).unwrap())
}

#[track_caller]
fn assert_client(dialect: Dialect, pairs: &[(&str, &str)], body: &str, id: &str, source: Source) {
    match identity(dialect, pairs, body) {
        Identity::Client(client) => assert_eq!((client.id.as_str(), client.source), (id, source)),
        other => panic!("{other:?}"),
    }
}

fn json_user_id(session: &str) -> String {
    let inner =
        format!(r#"{{"device_id":"{}","account_uuid":"","session_id":"{session}"}}"#, "ab".repeat(32));
    serde_json::json!({"model": "m", "metadata": {"user_id": inner}, "messages": []}).to_string()
}

fn text_user_id(account: &str, session: &str) -> String {
    format!(r#"{{"metadata":{{"user_id":"user_{}_account_{account}_session_{session}"}}}}"#, "c0".repeat(32))
}

#[test]
fn claude_code_2_1_names_its_session_in_a_header_and_in_the_body() {
    let body = json_user_id(OTHER);
    let with_header = [("X-Claude-Code-Session-Id", UUID), ("x-app", "cli")];
    assert_client(Dialect::Claude, &with_header, &body, UUID, Source::ClaudeCodeHeader);
    assert_client(Dialect::Claude, &[], &body, OTHER, Source::UserIdJson);
}

#[test]
fn claude_code_2_0_names_its_session_at_the_end_of_the_user_id() {
    assert_client(Dialect::Claude, &[], &text_user_id("", UUID), UUID, Source::UserIdText);
    assert_client(Dialect::Claude, &[], &text_user_id(OTHER, UUID), UUID, Source::UserIdText);
    for body in [
        text_user_id("", ""),
        text_user_id("", "  "),
        r#"{"metadata":{"user_id":"x_session_y"}}"#.to_owned(),
        r#"{"metadata":{"user_id":"user_1_session_y"}}"#.to_owned(),
        r#"{"metadata":{"user_id":"{\"device_id\":\"d\"}"}}"#.to_owned(),
        r#"{"metadata":{"user_id":"{\"session_id\":7}"}}"#.to_owned(),
        r#"{"metadata":{"user_id":"somebody"}}"#.to_owned(),
        r#"{"metadata":{"user_id":null}}"#.to_owned(),
    ] {
        assert_eq!(identity(Dialect::Claude, &[], &body), Identity::Unknown, "{body}");
    }
}

#[test]
fn claude_metadata_may_hold_the_session_itself() {
    let body = r#"{"metadata":{"user_id":"somebody","session_id":"s-1"}}"#;
    assert_client(Dialect::Claude, &[], body, "s-1", Source::MetadataSessionId);
}

#[test]
fn codex_0_169_sends_hyphens() {
    let pairs = [
        ("thread-id", UUID),
        ("session-id", UUID),
        ("x-client-request-id", UUID),
        ("x-codex-window-id", "w:1"),
        ("x-codex-turn-metadata", "{}"),
    ];
    let body =
        format!(r#"{{"input":[],"prompt_cache_key":"{OTHER}","client_metadata":{{"session_id":"no"}}}}"#);
    assert_client(Dialect::Responses, &pairs, &body, UUID, Source::SessionIdHyphen);
    assert_client(Dialect::Responses, &pairs[..1], &body, UUID, Source::ThreadId);
    assert_client(Dialect::Responses, &[], &body, OTHER, Source::PromptCacheKey);
}

#[test]
fn codex_0_121_and_0_58_send_underscores() {
    let body = format!(r#"{{"instructions":"i","input":[],"prompt_cache_key":"{OTHER}"}}"#);
    let newer = [("session_id", UUID), ("x-client-request-id", "r"), ("x-codex-window-id", "w:0")];
    assert_client(Dialect::Responses, &newer, &body, UUID, Source::SessionIdUnderscore);
    let older = [("conversation_id", OTHER), ("session_id", UUID)];
    assert_client(Dialect::Responses, &older, &body, UUID, Source::SessionIdUnderscore);
    assert_client(Dialect::Responses, &older[..1], &body, OTHER, Source::ConversationId);
}

#[test]
fn responses_metadata_comes_before_the_previous_answer() {
    let both = r#"{"input":"x","metadata":{"session_id":"m-1"},"previous_response_id":"resp_1"}"#;
    assert_client(Dialect::Responses, &[], both, "m-1", Source::MetadataSessionId);
    let answer = r#"{"input":"x","previous_response_id":"resp_1"}"#;
    assert_eq!(identity(Dialect::Responses, &[], answer), Identity::Answer(answer_hash("resp_1")));
    let blank = r#"{"input":"x","previous_response_id":" "}"#;
    assert_eq!(identity(Dialect::Responses, &[], blank), Identity::Unknown);
    let elsewhere = r#"{"messages":[],"previous_response_id":"resp_1"}"#;
    assert_eq!(identity(Dialect::OpenAi, &[], elsewhere), Identity::Unknown);
}

#[test]
fn codex_0_58_on_the_chat_wire_aider_and_plain_sdks_are_unknown() {
    let chat = r#"{"model":"gpt-x","messages":[{"role":"user","content":"hi"}],"stream":true}"#;
    let agents = [[("user-agent", "codex_exec/0.58.0")], [("user-agent", "OpenAI/Python 3.52.0")]];
    for pairs in agents {
        assert_eq!(identity(Dialect::OpenAi, &pairs, chat), Identity::Unknown);
    }
    let claude = r#"{"model":"c","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;
    let pairs = [("user-agent", "Anthropic/Python 2.11.0"), ("authorization", "Bearer x")];
    assert_eq!(identity(Dialect::Claude, &pairs, claude), Identity::Unknown);
}

#[test]
fn the_gemini_cli_is_unknown_unless_its_user_sets_a_header_or_it_comes_in_the_wrapper() {
    let plain = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"session_id":"no"}"#;
    assert_eq!(identity(Dialect::Gemini, &[], plain), Identity::Unknown);
    assert_client(Dialect::Gemini, &[("X-Session-Id", "mine")], plain, "mine", Source::XSessionId);
    let wrapped = r#"{"model":"g","request":{"contents":[],"session_id":"w-1"}}"#;
    assert_client(Dialect::GeminiCli, &[], wrapped, "w-1", Source::WrapperSessionId);
}

#[test]
fn opencode_sends_the_same_headers_in_every_dialect_and_they_come_first() {
    let pairs = [("x-session-affinity", "ses_1"), ("x-session-id", "ses_2"), ("session-id", "later")];
    let body = r#"{"prompt_cache_key":"k","metadata":{"session_id":"m"}}"#;
    for dialect in Dialect::ALL {
        assert_client(dialect, &pairs, body, "ses_2", Source::XSessionId);
        assert_client(dialect, &pairs[..1], body, "ses_1", Source::XSessionAffinity);
    }
}

#[test]
fn chat_takes_the_cache_key_then_a_user_that_is_a_uuid() {
    let both = format!(r#"{{"prompt_cache_key":"k","user":"{UUID}"}}"#);
    assert_client(Dialect::OpenAi, &[], &both, "k", Source::PromptCacheKey);
    let user = format!(r#"{{"user":"{UUID}"}}"#);
    assert_client(Dialect::OpenAi, &[], &user, UUID, Source::User);
    for user in ["alice", "", &UUID.replace('-', "0"), &UUID.replace('3', "g"), &format!("{UUID}0")] {
        let body = format!(r#"{{"user":"{user}"}}"#);
        assert_eq!(identity(Dialect::OpenAi, &[], &body), Identity::Unknown, "{user}");
    }
}

#[test]
fn blank_values_do_not_count() {
    let body = r#"{"prompt_cache_key":" ","metadata":{"session_id":""}}"#;
    let pairs = [("x-session-id", ""), ("x-session-affinity", "  "), ("session_id", " ")];
    for dialect in Dialect::ALL {
        assert_eq!(identity(dialect, &pairs, body), Identity::Unknown);
    }
    let twice = [("x-session-id", " "), ("x-session-id", "second")];
    assert_client(Dialect::Claude, &twice, "{}", "second", Source::XSessionId);
    let not_text = HeaderValue::from_bytes(b"\xff").unwrap();
    let headers = HeaderMap::from_iter([(HeaderName::from_static("x-session-id"), not_text)]);
    let facts = scan_request(Dialect::Claude, b"{}").unwrap();
    assert_eq!(identify(Dialect::Claude, &headers, &facts), Identity::Unknown);
}

#[test]
fn two_keys_never_share_a_client_id() {
    let Identity::Client(client) = identity(Dialect::Claude, &[("x-session-id", "s")], "{}") else {
        panic!()
    };
    assert_ne!(SessionId::new(KeyId(1), &client.id), SessionId::new(KeyId(2), &client.id));
    assert_ne!(SessionId::new(KeyId(1), "1.s"), SessionId::new(KeyId(11), "s"));
}

#[test]
fn every_source_has_its_own_word() {
    use std::collections::HashSet;
    let words: HashSet<&str> = [
        Source::XSessionId,
        Source::XSessionAffinity,
        Source::ClaudeCodeHeader,
        Source::UserIdJson,
        Source::UserIdText,
        Source::MetadataSessionId,
        Source::SessionIdHyphen,
        Source::SessionIdUnderscore,
        Source::ConversationId,
        Source::ThreadId,
        Source::PromptCacheKey,
        Source::User,
        Source::WrapperSessionId,
    ]
    .map(Source::as_str)
    .into();
    assert_eq!(words.len(), 13);
}

#[test]
fn the_hash_of_an_answer_is_stable() {
    // The beginning of the SHA-256 of `response:resp_1`, kept in Redis across versions.
    assert_eq!(answer_hash("resp_1").to_string(), "210ecc25a6d0560b");
    assert_ne!(answer_hash("resp_1"), answer_hash("resp_2"));
}
