//! What a request loses on the way is told, and what can't be said is refused.

use hub_types::{Dialect, Outcome};
use serde_json::json;

use super::Babel;
use crate::harness::client::Request;
use crate::harness::speech;

/// The value of a line of `/metrics`.
async fn figure(babel: &Babel, line: &str) -> Option<u64> {
    let page = Request::get("/metrics").send(babel.hub.address).await.text();
    page.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losses_are_in_the_header_the_record_and_the_metrics() {
    let (babel, _lab) = Babel::start().await;
    let body = json!({
        "model": "gpt-5", "seed": 7, "stop": ["x"], "temperature": 1.5, "whim": true,
        "messages": [{"role": "user", "content": "hi"}],
    });
    let reply = babel.ask(Dialect::OpenAi, Dialect::Claude, false, body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let told = reply.header("x-hub-lossy").unwrap().to_owned();
    for code in ["seed", "temperature_clamped", "unknown:whim"] {
        assert!(told.split(',').any(|one| one == code), "{told}");
    }
    let record = babel.hub.record(reply.id()).await;
    assert_eq!(record.loss.join(","), told);
    let seeds = r#"hub_conversion_losses_total{code="seed",class="minor"}"#;
    assert_eq!(figure(&babel, seeds).await, Some(1));
    // Details come from clients and are no label.
    let unknown = r#"hub_conversion_losses_total{code="unknown",class="info"}"#;
    assert_eq!(figure(&babel, unknown).await, Some(1));
    let sent = r#"hub_conversions_total{from="openai",to="claude",result="sent"}"#;
    assert_eq!(figure(&babel, sent).await, Some(1));
    // Where nothing is lost, nothing is said.
    let body = speech::body(Dialect::OpenAi, false);
    let reply = babel.ask(Dialect::OpenAi, Dialect::Responses, false, body).await;
    assert_eq!((reply.status, reply.header("x-hub-lossy")), (200, None));
    assert_eq!(babel.hub.record(reply.id()).await.loss, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_said_is_the_clients_error_and_nobody_is_asked() {
    let (babel, lab) = Babel::start().await;
    let chat = json!({"model": "gpt-5", "n": 2, "messages": [{"role": "user", "content": "hi"}]});
    let responses = json!({"model": "gpt-5-codex", "input": "hi", "previous_response_id": "resp_1"});
    let gemini = json!({"contents": [{"parts": [{"text": "hi"}]}], "cachedContent": "cachedContents/1"});
    for (client, upstream, body, param) in [
        (Dialect::OpenAi, Dialect::Claude, chat, "n"),
        (Dialect::Responses, Dialect::Claude, responses.clone(), "previous_response_id"),
        (Dialect::Responses, Dialect::OpenAi, responses, "previous_response_id"),
        (Dialect::Gemini, Dialect::OpenAi, gemini, "cachedContent"),
    ] {
        let reply = babel.ask(client, upstream, false, body.to_string()).await;
        assert_eq!(reply.status, 400, "{client} {upstream}: {}", reply.text());
        let error = &reply.json()["error"];
        assert!(error["message"].as_str().unwrap().contains(param), "{error}");
        if matches!(client, Dialect::OpenAi | Dialect::Responses) {
            assert_eq!((&error["param"], &error["code"]), (&json!(param), &json!("not_convertible")));
        }
        let record = babel.hub.record(reply.id()).await;
        assert_eq!(record.outcome, Outcome::Refused);
        assert_eq!(record.request.error_code.as_deref(), Some("not_convertible"));
        assert!(record.attempts.is_empty(), "{:?}", record.attempts);
    }
    assert_eq!(lab.witness().totals().received, 0);
    let refused = r#"hub_conversions_total{from="openai",to="claude",result="refused"}"#;
    assert_eq!(figure(&babel, refused).await, Some(1));
}
