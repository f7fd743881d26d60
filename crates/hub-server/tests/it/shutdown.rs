//! SIGTERM: what runs may end, nothing new begins, what outlasts the drain time is told so in its own dialect,
//! and everything is on record.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hub_lab::{Lab, LabConfig};
use hub_types::Dialect;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{Admin, Answer, Books, Callers, Connection, Hub, Pace, Site, eventually};

/// Begins a request; `script` is what the simulated provider is to do.
async fn ask(hub: &Hub, key: &str, path: &str, script: &str, body: &Value) -> Connection {
    let mut connection = Connection::open(hub.address).await.unwrap();
    let headers = format!("authorization: Bearer {key}\r\nx-lab: {script}\r\n");
    connection.send("POST", path, &headers, &body.to_string()).await.unwrap();
    connection
}

fn message(stream: bool) -> Value {
    json!({
        "model": "claude-sonnet-4-5", "max_tokens": 99, "stream": stream,
        "messages": [{"role": "user", "content": "Take your time."}],
    })
}

/// The record of an answer, from a hub started for this.
async fn record(site: &Site, answer: &Answer) -> Value {
    let hub = site.start().await;
    let record =
        Admin(hub.address).get(&format!("/requests/{}", answer.header("x-request-id").unwrap())).await;
    hub.stop().await;
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_stream_ends_whole_while_nobody_new_is_let_in() {
    let site = Site::embedded();
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let key = site.furnish(&lab.url()).await.key;
    let mut hub = site.start().await;
    let mut idle = Connection::open(hub.address).await.unwrap();
    idle.send("GET", "/health/ready", "", "").await.unwrap();
    assert_eq!(idle.read().await.unwrap().status, 200);
    let script = "chunks=12;chunk_ms=250;input=1234;output=567";
    let mut stream = ask(&hub, &key, "/v1/messages", script, &message(true)).await;
    let begun = stream.read_until(|answer| answer.text().contains("content_block_delta")).await.unwrap();
    assert!(!begun.is_whole);

    hub.signal(Signal::SIGTERM);
    let is_refused = async || Connection::open(hub.address).await.err().map(|error| error.kind());
    let (kind, _) = eventually("new connections are refused", Duration::from_secs(2), is_refused).await;
    // One that was still waiting to be accepted is reset.
    assert!(matches!(kind, std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::ConnectionReset));
    let is_sent = idle.send("GET", "/health/ready", "", "").await.is_ok();
    let answer = if is_sent { idle.read().await } else { None };
    assert!(answer.is_none_or(|answer| answer.status == 503), "an idle connection gets no new work");
    assert_eq!(lab.witness().totals().completed, 0, "all that while the stream was running");

    let answer = stream.read().await.unwrap();
    assert!(answer.is_whole, "{}", answer.text());
    assert_eq!(answer.last_event().0.as_deref(), Some("message_stop"));
    assert_eq!(hub.wait().await.code(), Some(0), "{}", site.log());
    assert_eq!(site.journal_segments(), Vec::<PathBuf>::new(), "the journal is empty");
    let record = record(&site, &answer).await;
    assert_eq!((&record["outcome"], &record["status"]), (&"completed".into(), &200.into()), "{record}");
    assert_eq!((&record["input_tokens"], &record["output_tokens"]), (&1234.into(), &567.into()), "{record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_still_waits_for_its_database_ends_at_once() {
    // A port that was free a moment ago: nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let site = Site::on(&format!("postgres://hub@{nobody}/hub"));
    let mut launched = site.launch(&[]);
    let is_waiting = async || site.log().contains("not there yet").then_some(());
    eventually("the hub waits for its database", Duration::from_secs(20), is_waiting).await;
    launched.signal(Signal::SIGTERM);
    assert_eq!(launched.wait().await.code(), Some(0), "{}", site.log());
    assert_eq!(launched.line().await, None, "it never said that it listens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_has_just_said_that_it_listens_ends_well() {
    let site = Site::embedded();
    for _ in 0..10 {
        let mut launched = site.launch(&[]);
        assert!(launched.line().await.unwrap().contains("listens on"));
        launched.signal(Signal::SIGTERM);
        assert_eq!(launched.wait().await.code(), Some(0), "{}", site.log());
    }
}

fn streams() -> [(Dialect, &'static str, Value); 4] {
    let words = json!([{"role": "user", "content": "Take your time."}]);
    [
        (Dialect::Claude, "/v1/messages", message(true)),
        (
            Dialect::OpenAi,
            "/v1/chat/completions",
            json!({"model": "gpt-5", "stream": true, "messages": words}),
        ),
        (
            Dialect::Responses,
            "/v1/responses",
            json!({"model": "gpt-5-codex", "stream": true, "input": words}),
        ),
        (
            Dialect::Gemini,
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            json!({"contents": [{"role": "user", "parts": [{"text": "Take your time."}]}]}),
        ),
    ]
}

/// The words of each dialect for "this stream ends here, and not by its own will".
fn assert_farewell(dialect: Dialect, answer: &Answer) {
    let (name, data) = answer.last_event();
    let data: Value = serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"));
    match dialect {
        Dialect::Claude => {
            assert_eq!(name.as_deref(), Some("error"), "{data}");
            assert_eq!((&data["type"], &data["error"]["type"]), (&"error".into(), &"api_error".into()));
            assert_eq!(data["request_id"], answer.header("x-request-id").unwrap());
        }
        Dialect::OpenAi => {
            assert_eq!(name, None);
            assert_eq!(data["error"]["code"], "shutting_down", "{data}");
        }
        Dialect::Responses => {
            assert_eq!(name.as_deref(), Some("response.failed"), "{data}");
            assert_eq!(data["type"], "response.failed");
            assert_eq!(data["response"]["status"], "failed");
        }
        Dialect::Gemini | Dialect::GeminiCli => {
            assert_eq!(name, None);
            let error = &data["error"];
            assert_eq!(
                (&error["code"], &error["status"]),
                (&503.into(), &"UNAVAILABLE".into()),
                "{}",
                answer.text()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_outlast_the_drain_time_end_with_an_error_in_their_dialect() {
    let site = Site::embedded().with("SHUTDOWN_DRAIN_MS", "1000");
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let first = site.start().await;
    let admin = Admin(first.address);
    let key = admin.seed(&lab.url()).await.key;
    for kind in ["openai-compatible", "codex", "gemini"] {
        admin.add_provider(kind, &lab.url()).await;
    }
    first.stop().await;
    let mut hub = site.start().await;
    let mut running = Vec::new();
    for (dialect, path, body) in streams() {
        let mut stream = ask(&hub, &key, path, "chunks=400;chunk_ms=200;first_chunk_ms=1", &body).await;
        // A few events in, so that there is content.
        let begun = stream.read_until(|answer| answer.text().matches("data: ").count() > 6).await.unwrap();
        assert_eq!((begun.status, begun.is_whole), (200, false), "{dialect:?}: {}", begun.text());
        running.push((dialect, stream));
    }

    hub.signal(Signal::SIGTERM);
    let asked_to_end = Instant::now();
    let mut cut = Vec::new();
    for (dialect, mut stream) in running {
        let answer = stream.read().await.unwrap();
        assert!(answer.is_whole, "{dialect:?}: the HTTP side ends in order");
        assert_farewell(dialect, &answer);
        cut.push((dialect, answer));
    }
    let took = asked_to_end.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&took), "{took:?}");
    assert_eq!(hub.wait().await.code(), Some(0), "{}", site.log());
    assert_eq!(site.journal_segments(), Vec::<PathBuf>::new(), "the journal is empty");
    for (dialect, answer) in cut {
        let record = record(&site, &answer).await;
        assert_eq!(record["outcome"], "interrupted", "{dialect:?}: {record}");
        assert_eq!(record["error_code"], "shutting_down", "{dialect:?}: {record}");
        let attempt = &record["attempts"][0];
        assert_eq!(attempt["usage_source"], "estimated", "{dialect:?}: {record}");
        assert!(attempt["output_tokens"].as_u64() > Some(0), "{dialect:?}: {record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_still_waits_when_the_drain_time_is_over_is_refused_and_on_record() {
    let site = Site::embedded().with("SHUTDOWN_DRAIN_MS", "300");
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let key = site.furnish(&lab.url()).await.key;
    let mut hub = site.start().await;
    let mut waiting = ask(&hub, &key, "/v1/messages", "latency_ms=60000", &message(false)).await;
    assert!(lab.witness().wait_until(Duration::from_secs(10), |totals| totals.received == 1).await);

    hub.signal(Signal::SIGTERM);
    assert_eq!(hub.wait().await.code(), Some(0), "{}", site.log());
    let answer = waiting.read().await.unwrap();
    assert_eq!((answer.status, answer.is_whole), (503, true), "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.json()["error"]["type"], "api_error");
    assert_eq!(site.journal_segments(), Vec::<PathBuf>::new(), "the journal is empty");
    let record = record(&site, &answer).await;
    assert_eq!((&record["outcome"], &record["status"]), (&"interrupted".into(), &503.into()), "{record}");
    assert_eq!(record["error_code"], "shutting_down", "{record}");
    assert_eq!(record["attempts"].as_array().unwrap().len(), 1, "{record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_stops_under_load_interrupt_nothing() {
    let site = Site::embedded();
    let lab = Lab::start(LabConfig { keep: usize::MAX, hash: false, ..LabConfig::default() }).await.unwrap();
    let key = site.furnish(&lab.url()).await.key;
    let callers = Callers::start(&key, Pace { callers: 12, pause: Duration::from_millis(5), chunk_ms: 5 });
    let mut hub = site.start().await;
    for _ in 0..10 {
        callers.point_at(hub.address);
        let enough = lab.witness().totals().completed + 40;
        assert!(lab.witness().wait_until(Duration::from_secs(20), |totals| totals.completed >= enough).await);
        hub.stop().await;
        assert_eq!(site.journal_segments(), Vec::<PathBuf>::new(), "the journal is empty");
        callers.hold();
        hub = site.start().await;
    }
    let sent = callers.finish().await;
    for sent in &sent {
        // One may come to a door that is just closing, as with every server; then it is not answered at all.
        assert!(sent.is_whole() || sent.answer.is_none(), "half an answer: {sent:?}");
    }
    let found = Books { sent: &sent, lab: &lab }.check(Admin(hub.address)).await;
    println!("stops: {found:?}");
    assert_eq!((found.interrupted, found.settled), (0, found.answered_whole));
    assert_eq!(found.answered_by_provider, found.answered_whole);
    hub.stop().await;
}
