//! Clients of streams that wait long: what keeps them, and what they get in the end.

use hub_lab::{Behaviour, Outcome as Ended};
use hub_types::{AttemptReason, ClientAbortPolicy, Dialect, Outcome};
use serde_json::{Value, json};

use crate::failover::{Pair, plays};
use crate::harness::client::{Reply, Request};
use crate::harness::world::{PATIENCE, witnessed};
use crate::harness::{sha256, speech};
use crate::sessions::ring::Ring;

/// Between two signs of life, ms.
const INTERVAL: &str = "300";

/// All dialects beside each other: each has to wait.
async fn in_each_dialect(play: impl AsyncFn(Dialect)) {
    let [one, two, three, four, five] = Dialect::ALL;
    tokio::join!(play(one), play(two), play(three), play(four), play(five));
}

const fn sign_of_life(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Claude => "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        Dialect::OpenAi | Dialect::Responses => ": keepalive\n\n",
        Dialect::Gemini | Dialect::GeminiCli => "\n",
    }
}

/// How many signs of life there are before the answer, and the answer.
fn signs(dialect: Dialect, reply: &Reply) -> (usize, &[u8]) {
    assert_eq!(reply.status, 200, "{dialect}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("text/event-stream"), "{dialect}");
    assert_eq!(reply.header("cache-control"), Some("no-cache"), "{dialect}");
    assert_eq!(reply.header("x-accel-buffering"), Some("no"), "{dialect}");
    assert!(reply.is_whole, "{dialect}");
    let (mut rest, mut count) = (reply.body.as_slice(), 0);
    while let Some(next) = rest.strip_prefix(sign_of_life(dialect).as_bytes()) {
        (rest, count) = (next, count + 1);
    }
    (count, rest)
}

fn slow(ms: u64) -> Behaviour {
    Behaviour { latency_ms: Some(ms), ..Behaviour::default() }
}

async fn pair() -> Pair {
    Pair::with(&[("STREAM_KEEP_ALIVE_MS", INTERVAL)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_clients_get_signs_of_life_and_then_the_answer_byte_for_byte() {
    let pair = pair().await;
    // Before the head, and between the head and the first content.
    for behaviour in [slow(1000), Behaviour { first_chunk_ms: Some(1000), ..Behaviour::default() }] {
        plays(&pair.first, behaviour.clone());
        in_each_dialect(async |dialect| {
            let id = format!("{dialect} {:?}", behaviour.latency_ms);
            let reply = pair.ask(dialect, true, &id).await;
            let (count, answer) = signs(dialect, &reply);
            assert!((2..=4).contains(&count), "{id}: {count} in a second");
            assert_eq!(witnessed(&pair.first, &id).await.response_sha256, Some(sha256(answer)), "{id}");
            let record = pair.hub.record(reply.id()).await;
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::Completed, 1), "{id}");
            assert!(record.attempts[0].cost_usd.is_some(), "{id}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_behind_signs_of_life_is_not_seen() {
    let pair = pair().await;
    for failing in [
        Behaviour { status: Some(500), ..slow(700) },
        Behaviour { malformed: Some(hub_lab::Malformed::Html), ..slow(700) },
        Behaviour { error_in_200: Some(true), error_after: Some(0), ..slow(700) },
    ] {
        plays(&pair.first, failing.clone());
        in_each_dialect(async |dialect| {
            let id = format!("{dialect} {:?} {:?}", failing.status, failing.malformed);
            let reply = pair.ask(dialect, true, &id).await;
            let (count, answer) = signs(dialect, &reply);
            assert!(count >= 1, "{id}");
            assert_eq!(witnessed(&pair.second, &id).await.response_sha256, Some(sha256(answer)), "{id}");
            let record = pair.hub.record(reply.id()).await;
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::Completed, 2), "{id}");
            assert_eq!(record.attempts[1].reason, AttemptReason::Failover, "{id}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_all_fail_behind_signs_of_life_the_stream_ends_with_an_error_of_its_dialect() {
    let pair = pair().await;
    for (status, code) in [(503, "server_error"), (429, "rate_limit_exceeded")] {
        let message = Some("no room left".to_owned());
        let failing = Behaviour { status: Some(status), error_message: message, ..slow(400) };
        plays(&pair.first, failing.clone());
        plays(&pair.second, failing);
        in_each_dialect(async |dialect| {
            let reply = pair.ask(dialect, true, &format!("{dialect} {status}")).await;
            let (count, frame) = signs(dialect, &reply);
            assert!(count >= 1, "{dialect}");
            let error = only_error(dialect, frame);
            assert_eq!(error["message"], "no room left", "{dialect}: {error}");
            match dialect {
                Dialect::Responses => assert_eq!(error["code"], code),
                Dialect::Gemini | Dialect::GeminiCli => assert_eq!(error["code"], status),
                Dialect::Claude | Dialect::OpenAi => assert!(error["type"].is_string(), "{error}"),
            }
            let record = pair.hub.record(reply.id()).await;
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::Failed, 2), "{dialect}");
            assert_eq!(record.request.status, 200, "{dialect}: that is what the client saw");
        })
        .await;
    }
}

/// The error of a stream that holds nothing else.
fn only_error(dialect: Dialect, frame: &[u8]) -> Value {
    let text = std::str::from_utf8(frame).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let (event, data) = match lines.as_slice() {
        [event, data] => (event.strip_prefix("event: "), data),
        [data] => (None, data),
        other => panic!("{dialect}: {other:?}"),
    };
    assert!(text.ends_with("\n\n"), "{text:?}");
    let named = match dialect {
        Dialect::Claude => Some("error"),
        Dialect::Responses => Some("response.failed"),
        _ => None,
    };
    assert_eq!(event, named, "{dialect}");
    let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    let object = if dialect == Dialect::Responses { &data["response"]["error"] } else { &data["error"] };
    object.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_sign_of_life_while_no_upstream_is_connected() {
    // It is the number of tries that comes to its end, not the budget: the last try of a machine that stood still
    // for a moment would run out of time instead of being refused.
    let more = [json!({"max_retry_attempts": 6})];
    let ring = Ring::with(&[("STREAM_KEEP_ALIVE_MS", "50")], json!({}), Dialect::Claude, &more).await;
    ring.members[0].1.die().await;
    let body = speech::body(Dialect::Claude, true);
    let reply = ring.send(Request::post("/v1/messages", body)).await;
    let (count, frame) = signs(Dialect::Claude, &reply);
    assert_eq!(count, 0, "{}", reply.text());
    let error = only_error(Dialect::Claude, frame);
    assert_eq!(error["message"], "the provider could not be reached");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_that_come_in_time_keep_their_status() {
    let pair = pair().await;
    for (status, shown) in [(429, 429), (404, 404), (400, 400)] {
        for lab in [&pair.first, &pair.second] {
            plays(lab, Behaviour { status: Some(status), ..Behaviour::default() });
        }
        let reply = pair.ask(Dialect::OpenAi, true, &format!("{status}")).await;
        assert_eq!(reply.status, shown, "{}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_event_stream_waits_without_any_sign() {
    let pair = pair().await;
    plays(&pair.first, slow(700));
    let reply = pair.ask(Dialect::Claude, false, "whole").await;
    assert_eq!(witnessed(&pair.first, "whole").await.response_sha256, Some(sha256(&reply.body)));
    // Without `alt=sse`, a stream of Gemini is a list.
    let path = speech::path(Dialect::Gemini, true).replace("?alt=sse", "");
    let request = Request::post(path, speech::body(Dialect::Gemini, true)).lab_id("list");
    let reply = request.key(pair.key()).send(pair.hub.address).await;
    assert_eq!((reply.status, reply.body.first()), (200, Some(&b'[')), "{}", reply.text());
    assert_eq!(witnessed(&pair.first, "list").await.response_sha256, Some(sha256(&reply.body)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_behind_signs_of_life_takes_the_upstream_with_it() {
    let pair = pair().await;
    plays(&pair.first, Behaviour { first_chunk_ms: Some(2000), ..Behaviour::default() });
    for (policy, ended) in
        [(ClientAbortPolicy::Cancel, Ended::ClientGone), (ClientAbortPolicy::Drain, Ended::Complete)]
    {
        pair.edit_first(json!({"on_client_abort": policy})).await;
        in_each_dialect(async |dialect| {
            let id = format!("{dialect} {policy:?}");
            let request = Request::post(speech::path(dialect, true), speech::body(dialect, true));
            let request = request.key(pair.key()).lab_id(&id).header("x-session-id", &id);
            let mark = sign_of_life(dialect).as_bytes();
            let mark = if mark == b"\n" { b"\r\n\r\n1\r\n\n" } else { mark };
            let reply = request.send_and_leave_after(pair.hub.address, mark).await;
            let seen = tokio::time::timeout(PATIENCE, witnessed(&pair.first, &id)).await.unwrap();
            assert_eq!(seen.outcome, ended, "{id}");
            let record = pair.hub.record(reply.id()).await;
            assert_eq!((record.outcome, record.attempts.len()), (Outcome::ClientAborted, 1), "{id}");
            let is_paid = record.attempts[0].cost_usd.is_some();
            assert!(is_paid || policy == ClientAbortPolicy::Cancel, "{id}: what was used is known");
        })
        .await;
    }
    assert_eq!(pair.second.witness().totals().received, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_ends_says_so_to_those_who_wait() {
    let variables = [("STREAM_KEEP_ALIVE_MS", "100"), ("SHUTDOWN_DRAIN_MS", "500")];
    for script in ["latency_ms=30000", "first_chunk_ms=30000"] {
        let Ring { hub, key, members } =
            Ring::with(&variables, json!({}), Dialect::Claude, &[json!({})]).await;
        let lab = &members[0].1;
        plays(lab, Behaviour::from_header(script).unwrap());
        let body = speech::body(Dialect::Claude, true);
        let request = Request::post("/v1/messages", body).key(&key.text);
        let waiting = request.send(hub.address);
        let ending = async {
            assert!(lab.witness().wait_until(PATIENCE, |totals| totals.received == 1).await);
            hub.shut_down().await
        };
        let (reply, _ended) = tokio::join!(waiting, ending);
        let (count, frame) = signs(Dialect::Claude, &reply);
        assert!(count >= 1, "{script}");
        let error = only_error(Dialect::Claude, frame);
        assert!(error["message"].as_str().unwrap().contains("restarting"), "{script}: {error}");
    }
}
