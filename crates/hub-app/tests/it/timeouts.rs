//! Time limits of providers: each is kept to a tenth of it, and counts what it says and nothing else.

use std::ops::Range;
use std::time::Duration;

use hub_lab::{Behaviour, Lab};
use hub_management::view::AttemptView;
use hub_types::{Dialect, ErrorClass, Outcome};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::failover::plays;
use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::world::{Hub, Key, Setup, lab};

/// What the limits here are set to, ms.
const LIMIT: u64 = 1000;
/// What a busy machine may take besides.
const SCHEDULER_MS: u64 = 100;

const fn within(limit: u64) -> Range<u64> {
    limit - limit / 10..limit + limit / 10 + SCHEDULER_MS
}

struct Slow {
    hub: Hub,
    key: Key,
    lab: Lab,
}

impl Slow {
    async fn start(variables: &[(&'static str, &str)], fields: Value) -> Self {
        let (mut setup, lab) = (Setup::new().await, lab().await);
        for (name, value) in variables {
            setup.set(name, *value);
        }
        setup.provider_for(Dialect::Claude, "slow", &lab.url(), fields).await;
        let (key, hub) = (setup.member().await, setup.start().await);
        Self { hub, key, lab }
    }

    /// How the only attempt went, and how the request ended.
    async fn ask(&self, stream: bool) -> (AttemptView, Outcome) {
        self.hub.forgive("slow").await;
        let request = Request::post("/v1/messages", speech::body(Dialect::Claude, stream));
        let reply = request.key(&self.key.text).send(self.hub.address).await;
        let record = self.hub.record(reply.id()).await;
        let [attempt] = record.attempts.as_slice() else { panic!("{:?}", record.attempts) };
        (attempt.clone(), record.outcome)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_content_of_a_stream_has_so_long_from_when_the_request_goes_out() {
    let slow = Slow::start(&[], json!({"timeout_first_byte": LIMIT})).await;
    for behaviour in [
        Behaviour { latency_ms: Some(10_000), ..Behaviour::default() },
        Behaviour { first_chunk_ms: Some(10_000), ..Behaviour::default() },
        // A head in between does not give it any more time.
        Behaviour { latency_ms: Some(LIMIT * 7 / 10), first_chunk_ms: Some(10_000), ..Behaviour::default() },
    ] {
        plays(&slow.lab, behaviour);
        let (attempt, outcome) = slow.ask(true).await;
        assert_eq!((attempt.class, outcome), (Some(ErrorClass::Timeout), Outcome::Failed));
        let took = attempt.duration_ms - attempt.queued_ms;
        println!("first content: {took} ms of {LIMIT}");
        assert!(within(LIMIT).contains(&took), "{took} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_connecting_takes_is_not_taken_from_the_first_content() {
    let proxy = SlowProxy::start(Some(Duration::from_millis(700))).await;
    let fields = json!({"timeout_first_byte": LIMIT, "proxy_url": proxy.url});
    let slow = Slow::start(&[], fields).await;
    plays(&slow.lab, Behaviour { latency_ms: Some(10_000), ..Behaviour::default() });
    let (attempt, _) = slow.ask(true).await;
    assert_eq!(attempt.class, Some(ErrorClass::Timeout));
    let took = attempt.duration_ms - attempt.queued_ms;
    println!("connecting and first content: {took} ms of 700 + {LIMIT}");
    assert!(within(LIMIT).contains(&(took - 700)), "{took} ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pieces_of_a_stream_are_so_long_apart_at_most() {
    let slow = Slow::start(&[], json!({"timeout_idle": LIMIT, "timeout_first_byte": 20_000})).await;
    plays(&slow.lab, Behaviour { chunk_ms: Some(10_000), ..Behaviour::default() });
    let (attempt, outcome) = slow.ask(true).await;
    assert_eq!((attempt.class, outcome), (Some(ErrorClass::Timeout), Outcome::UpstreamTruncated));
    let took = attempt.duration_ms - attempt.ttft_ms.unwrap();
    println!("between two pieces: {took} ms of {LIMIT}");
    assert!(within(LIMIT).contains(&took), "{took} ms");
    // Pieces that come in time may take as long as they like together.
    plays(&slow.lab, Behaviour { chunk_ms: Some(LIMIT * 6 / 10), chunks: Some(4), ..Behaviour::default() });
    assert_eq!(slow.ask(true).await.1, Outcome::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_in_one_piece_has_so_long_for_everything() {
    let slow = Slow::start(&[], json!({"timeout_request": LIMIT})).await;
    for behaviour in [
        Behaviour { latency_ms: Some(10_000), ..Behaviour::default() },
        Behaviour { latency_ms: Some(LIMIT * 7 / 10), first_chunk_ms: Some(10_000), ..Behaviour::default() },
    ] {
        plays(&slow.lab, behaviour);
        let (attempt, outcome) = slow.ask(false).await;
        assert_eq!((attempt.class, outcome), (Some(ErrorClass::Timeout), Outcome::Failed));
        let took = attempt.duration_ms - attempt.queued_ms;
        println!("in one piece: {took} ms of {LIMIT}");
        assert!(within(LIMIT).contains(&took), "{took} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connecting_has_so_long_with_the_proxy_in_it() {
    let proxy = SlowProxy::start(None).await;
    let fields = json!({"proxy_url": proxy.url, "max_retry_attempts": 0});
    let slow = Slow::start(&[("FETCH_CONNECT_TIMEOUT", "500")], fields).await;
    let (attempt, outcome) = slow.ask(true).await;
    assert_eq!((attempt.class, outcome), (Some(ErrorClass::Network), Outcome::Failed));
    let took = attempt.duration_ms - attempt.queued_ms;
    println!("connecting: {took} ms of 500");
    assert!(within(500).contains(&took), "{took} ms");
}

/// A proxy that makes a tunnel after a while, or never.
struct SlowProxy {
    url: String,
    _tasks: JoinSet<()>,
}

impl SlowProxy {
    async fn start(after: Option<Duration>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut tunnels = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                tunnels.spawn(tunnel(socket, after));
            }
        });
        Self { url, _tasks: tasks }
    }
}

async fn tunnel(mut client: TcpStream, after: Option<Duration>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let Some(after) = after else { return std::future::pending().await };
    tokio::time::sleep(after).await;
    let target = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned();
    let mut origin = TcpStream::connect(target).await.unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut client, &mut origin).await;
}
