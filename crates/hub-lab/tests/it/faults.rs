//! Scripted faults, as they arrive.

use std::time::{Duration, Instant};

use hub_lab::{Behaviour, Cut, Lab, LabConfig, ModelRule, Outcome, Scenario};
use serde_json::{Value, json};

use crate::client::post;

const CLAUDE: &str = "/v1/messages";
const STREAM: &str = r#"{"model":"m","stream":true}"#;
const WHOLE: &str = r#"{"model":"m"}"#;

async fn lab() -> Lab {
    Lab::start(LabConfig::default()).await.unwrap()
}

#[tokio::test]
async fn errors_speak_the_callers_dialect() {
    let lab = lab().await;
    for (path, pointer, word) in [
        (CLAUDE, "/error/type", "rate_limit_error"),
        ("/v1/chat/completions", "/error/code", "rate_limit_exceeded"),
        ("/v1/responses", "/error/code", "rate_limit_exceeded"),
        ("/v1beta/models/m:generateContent", "/error/status", "RESOURCE_EXHAUSTED"),
        ("/v1internal:generateContent", "/error/status", "RESOURCE_EXHAUSTED"),
    ] {
        let answer = post(&lab, path, "status=429;retry_after=7;error_message=slow down", STREAM).await;
        assert_eq!(answer.status, 429);
        assert!(answer.head.contains("retry-after: 7"));
        assert_eq!(answer.json().pointer(pointer), Some(&Value::from(word)), "{path}");
        assert_eq!(answer.json()["error"]["message"], "slow down");
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_stream_can_end_early_in_three_ways() {
    let lab = lab().await;
    for (cut, whole, reset) in [("clean", true, false), ("close", false, false), ("reset", false, true)] {
        let script = format!("chunks=5;truncate_after=2;cut={cut}");
        let answer = post(&lab, CLAUDE, &script, STREAM).await;
        assert_eq!((answer.whole, answer.reset), (whole, reset), "{cut}");
        let deltas = answer.data().iter().filter(|event| event["type"] == "content_block_delta").count();
        assert_eq!(deltas, 2, "{cut}: what was sent before the end arrives");
        assert!(!answer.text().contains("message_stop"));
    }
    let entries = lab.witness().entries();
    assert!(entries.iter().all(|entry| entry.outcome == Outcome::Cut && entry.usage.unwrap().output == 1));
    assert_eq!(lab.witness().totals().cut, 3);
    lab.stop().await;
}

#[tokio::test]
async fn a_whole_answer_can_break_off_half_way() {
    let lab = lab().await;
    for (cut, whole) in [("clean", true), ("close", false), ("reset", false)] {
        let answer = post(&lab, CLAUDE, &format!("truncate_after=0;cut={cut}"), WHOLE).await;
        assert_eq!(answer.whole, whole, "{cut}");
        assert!(answer.body.len() > 50 && serde_json::from_slice::<Value>(&answer.body).is_err());
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_connection_can_end_without_an_answer() {
    let lab = lab().await;
    let closed = post(&lab, CLAUDE, "no_head", WHOLE).await;
    assert_eq!((closed.status, closed.reset), (0, false));
    let reset = post(&lab, CLAUDE, "no_head;cut=reset", WHOLE).await;
    assert_eq!((reset.status, reset.reset), (0, true));
    let totals = lab.witness().totals();
    assert_eq!((totals.received, totals.answered), (2, 0));
    lab.stop().await;
}

#[tokio::test]
async fn errors_can_hide_behind_status_200() {
    let lab = lab().await;
    let whole = post(&lab, CLAUDE, "error_in_200;status=429", WHOLE).await;
    assert_eq!((whole.status, &whole.json()["error"]["type"]), (200, &json!("rate_limit_error")));

    let first = post(&lab, CLAUDE, "error_in_200", STREAM).await.events();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].0.as_deref(), Some("error"));
    assert!(first[0].1.contains("overloaded_error"));

    let later = post(&lab, "/v1/responses", "error_in_200;error_after=2", STREAM).await.data();
    let last = later.last().unwrap();
    assert_eq!(
        (&last["type"], &last["sequence_number"]),
        (&json!("response.failed"), &json!(later.len() - 1))
    );
    assert_eq!(later.iter().filter(|event| event["type"] == "response.output_text.delta").count(), 2);

    let chat = post(&lab, "/v1/chat/completions", "error_in_200;error_after=0", STREAM).await;
    assert_eq!(chat.events().len(), 2, "the role, then the error, no [DONE]");
    assert_eq!(chat.data()[1]["error"]["type"], "server_error");

    let array =
        post(&lab, "/v1beta/models/m:streamGenerateContent", "error_in_200;error_after=1", "{}").await;
    assert_eq!(array.json()[1]["error"]["status"], "UNAVAILABLE");
    lab.stop().await;
}

#[tokio::test]
async fn bodies_can_be_unreadable() {
    let lab = lab().await;
    let json = post(&lab, CLAUDE, "malformed=json", WHOLE).await;
    assert!(json.whole && serde_json::from_slice::<Value>(&json.body).is_err());
    let html = post(&lab, CLAUDE, "malformed=html;status=502", STREAM).await;
    assert_eq!(html.status, 502);
    assert!(html.head.contains("content-type: text/html") && html.text().contains("<html>"));
    let empty = post(&lab, CLAUDE, "malformed=empty", STREAM).await;
    assert!(empty.whole && empty.body.is_empty() && empty.head.contains("text/event-stream"));
    assert_eq!(lab.witness().totals().completed, 3);
    lab.stop().await;
}

#[tokio::test]
async fn streams_can_come_in_single_bytes_with_crlf_and_comments() {
    let lab = lab().await;
    let odd = post(&lab, CLAUDE, "split=1;crlf;comments", STREAM).await;
    assert!(odd.chunks.len() == odd.body.len() && odd.chunks.iter().all(|size| *size == 1));
    assert!(odd.text().contains(": lab comment\r\nevent: message_start\r\ndata: {"));
    let plain = post(&lab, CLAUDE, "", STREAM).await;
    assert_eq!(odd.data().len(), plain.data().len());
    lab.stop().await;
}

#[tokio::test]
async fn delays_are_kept() {
    let lab = lab().await;
    let begun = Instant::now();
    post(&lab, CLAUDE, "latency_ms=30;first_chunk_ms=30;chunks=4;chunk_ms=20", STREAM).await;
    assert!(begun.elapsed() >= Duration::from_millis(120));
    let entry = lab.witness().entries().pop().unwrap();
    assert!(entry.answered_us - entry.received_us >= 30_000);
    assert!(entry.finished_us.unwrap() - entry.answered_us >= 90_000);
    lab.stop().await;
}

#[tokio::test]
async fn scenario_rules_play_in_sequence_and_the_header_wins() {
    let rule = ModelRule {
        model: "m*".into(),
        sequence: vec![
            Behaviour { status: Some(529), ..Behaviour::default() },
            Behaviour { truncate_after: Some(1), cut: Some(Cut::Close), ..Behaviour::default() },
        ],
        ..ModelRule::default()
    };
    let scenario =
        Scenario { default: Behaviour { output: Some(77), ..Behaviour::default() }, models: vec![rule] };
    let lab = Lab::start(LabConfig { scenario, ..LabConfig::default() }).await.unwrap();
    assert_eq!(post(&lab, CLAUDE, "", STREAM).await.status, 529);
    assert!(!post(&lab, CLAUDE, "", STREAM).await.whole);
    let third = post(&lab, CLAUDE, "", WHOLE).await;
    assert_eq!((third.status, &third.json()["usage"]["output_tokens"]), (200, &json!(77)));
    lab.reset();
    assert_eq!(post(&lab, CLAUDE, "status=200", STREAM).await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn mistakes_in_scripts_and_bodies_are_told() {
    let lab = lab().await;
    let answer = post(&lab, CLAUDE, "statsu=429", WHOLE).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("statsu"));
    let answer = post(&lab, CLAUDE, "", "not json").await;
    assert_eq!((answer.status, &answer.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(post(&lab, "/v1/v1/messages", "", WHOLE).await.status, 404);
    lab.stop().await;
}
