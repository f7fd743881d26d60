//! The lab's books.

use std::time::Duration;

use hub_lab::{Lab, LabConfig, Outcome};
use hub_types::{Dialect, Usage};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{post, send};

const WHOLE: &str = r#"{"model":"m"}"#;
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_entry_holds_what_came_and_what_went() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let body = r#"{"model":"claude-x","stream":true, "odd": "\u00e9"}"#;
    let headers =
        "x-lab-id: one\r\nX-Api-Key: vendor-secret\r\nx-lab: input=5;output=9;cache_read=2;split=7\r\n";
    let answer = send(lab.addr(), "POST", "/v1/messages?beta=true", headers, body.as_bytes()).await;
    let entry = lab.witness().get("one").unwrap();
    assert_eq!(entry.sequence, 1);
    assert_eq!(
        (entry.dialect, entry.path.as_str(), entry.stream),
        (Dialect::Claude, "/v1/messages?beta=true", true)
    );
    assert_eq!((entry.model.as_str(), entry.status), ("claude-x", 200));
    assert_eq!(entry.request_sha256.unwrap()[..], Sha256::digest(body)[..]);
    assert_eq!(entry.request_bytes, body.len() as u64);
    assert_eq!(entry.response_sha256.unwrap()[..], Sha256::digest(&answer.body)[..]);
    assert_eq!(entry.response_bytes, answer.body.len() as u64);
    assert_eq!(entry.usage, Some(Usage { input: 5, output: 9, cache_read: 2, ..Usage::default() }));
    assert!(entry.is_complete());
    assert_eq!(entry.header("x-api-key"), Some("vendor-secret"));
    assert!(entry.headers_contain("dor-sec") && !entry.headers_contain("cch_"));
    assert!(lab.witness().get("two").is_none());
    lab.stop().await;
}

#[tokio::test]
async fn usage_is_what_the_dialect_could_say() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let script = "input=10;output=8;reasoning=3;cache_read=4;cache_write_5m=2;cache_write_1h=1";
    let said = async |path: &str, body: &str| {
        post(&lab, path, script, body).await;
        lab.witness().entries().pop().unwrap().usage
    };
    let base = Usage { input: 10, output: 8, cache_read: 4, ..Usage::default() };
    let claude = Usage { cache_write_5m: 2, cache_write_1h: 1, ..base };
    let others = Usage { reasoning: 3, ..base };
    assert_eq!(said("/v1/messages", WHOLE).await, Some(claude));
    assert_eq!(said("/v1/responses", r#"{"model":"m","stream":true}"#).await, Some(others));
    assert_eq!(said("/v1beta/models/m:streamGenerateContent", "{}").await, Some(others));
    assert_eq!(said("/v1/chat/completions", WHOLE).await, Some(others));
    assert_eq!(said("/v1/chat/completions", r#"{"model":"m","stream":true}"#).await, None);
    assert_eq!(said("/v1/messages/count_tokens", WHOLE).await, None);
    assert_eq!(lab.witness().totals().usage.output, 32);
    lab.stop().await;
}

#[tokio::test]
async fn echoed_hash_is_that_of_the_request() {
    let lab = Lab::start(LabConfig { hash: false, ..LabConfig::default() }).await.unwrap();
    let answer = post(&lab, "/v1/messages", "echo_hash", WHOLE).await.json();
    let text = answer["content"][0]["text"].as_str().unwrap();
    let echoed: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
    assert_eq!(echoed[..], Sha256::digest(WHOLE)[..]);
    assert_eq!(lab.witness().entries()[0].request_sha256, None, "hashing is off");
    lab.stop().await;
}

#[tokio::test]
async fn details_are_bounded_and_totals_are_not() {
    let lab = Lab::start(LabConfig { keep: 3, ..LabConfig::default() }).await.unwrap();
    for _ in 0..5 {
        post(&lab, "/v1/messages", "input=1;output=2", WHOLE).await;
    }
    let kept: Vec<u64> = lab.witness().entries().iter().map(|entry| entry.sequence).collect();
    assert_eq!(kept, [3, 4, 5]);
    assert_eq!(lab.witness().since(4, 10).len(), 1);
    let totals = lab.witness().totals();
    assert_eq!((totals.answered, totals.completed, totals.usage.output), (5, 5, 10));
    lab.stop().await;
}

#[tokio::test]
async fn a_reader_that_goes_away_is_noticed() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let mut stream = TcpStream::connect(lab.addr()).await.unwrap();
    let body = r#"{"model":"m","stream":true}"#;
    let head = "POST /v1/messages HTTP/1.1\r\nhost: lab\r\nx-lab: chunks=1000;chunk_ms=5\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    drop(stream);
    assert!(lab.witness().wait_until(PATIENCE, |totals| totals.client_gone == 1).await);
    let entry = lab.witness().entries().pop().unwrap();
    assert_eq!(entry.outcome, Outcome::ClientGone);
    assert_eq!(entry.usage.unwrap().output, 1, "only the stream's opening was sent");
    lab.stop().await;
}

#[tokio::test]
async fn other_processes_read_the_books_over_http() {
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let scenario = br#"{"default":{"status":500}}"#;
    assert_eq!(send(lab.addr(), "POST", "/lab/scenario", "", scenario).await.status, 200);
    assert_eq!(send(lab.addr(), "POST", "/lab/scenario", "", b"{\"defualt\":1}").await.status, 400);
    let answer = send(lab.addr(), "POST", "/v1/messages", "x-lab-id: a-1\r\n", WHOLE.as_bytes()).await;
    assert_eq!(answer.status, 500);
    let page = send(lab.addr(), "GET", "/lab/witness?since=0", "", b"").await.json();
    assert_eq!((&page["totals"]["answered"], &page["totals"]["refused"]), (&Value::from(1), &Value::from(1)));
    assert_eq!(page["entries"][0]["lab_id"], "a-1");
    assert_eq!(page["entries"][0]["request_sha256"].as_str().unwrap().len(), 64);
    let one = send(lab.addr(), "GET", "/lab/witness?id=a-1", "", b"").await.json();
    assert_eq!(
        (&one["entry"]["sequence"], &one["entry"]["outcome"]),
        (&Value::from(1), &Value::from("complete"))
    );
    send(lab.addr(), "POST", "/lab/reset", "", b"").await;
    let page = send(lab.addr(), "GET", "/lab/witness", "", b"").await.json();
    assert_eq!(page["totals"]["answered"], 0);
    lab.stop().await;
}
