//! Clients that come in too great a number, send too much, never read, or leave at a bad moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use hub_http::Tasks;

use crate::bodies::Base;
use crate::hub::Hub;
use crate::process::{self, eventually};
use crate::raw_upstream::RawUpstream;
use crate::verdict::judge;
use crate::wire;

const PATIENCE: Duration = Duration::from_secs(5);

/// Runs one test after the other, on a runtime of its own.
fn alone(test: impl Future<Output = ()>) {
    let _turn = process::turn();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
    assert_eq!(process::panics(), 0, "panics");
}

#[test]
fn one_connection_too_many_gets_503_and_the_others_work() {
    alone(async {
        let raw = RawUpstream::start(0).await;
        let hub = Hub::start(&[("MAX_CONNECTIONS", "3")], &[("claude", raw.url())]).await;
        let request = Base::all(false)[0].wire(hub.key(), "");
        let mut held = Vec::new();
        for _ in 0..3 {
            let mut client = wire::connect(hub.address()).await;
            assert_eq!(ask(&mut client, &request).await, 200);
            held.push(client);
        }
        let turned_away = wire::exchange(hub.address(), &request).await;
        let answer = &turned_away.answers[0];
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
        judge(&turned_away, crate::verdict::Shape::Claude).unwrap();
        for client in &mut held {
            assert_eq!(ask(client, &request).await, 200);
        }
        drop(held);
        let is_free = async || wire::exchange(hub.address(), &request).await.answers[0].status == 200;
        assert!(eventually(PATIENCE, is_free).await, "places are free again");
        hub.end().await;
        raw.stop().await;
    });
}

/// One request on a connection that stays; the status of its answer.
async fn ask(client: &mut TcpStream, request: &[u8]) -> u16 {
    client.write_all(request).await.unwrap();
    let mut wire = Vec::new();
    loop {
        assert!(client.read_buf(&mut wire).await.unwrap() > 0, "closed");
        let (answers, _) = wire::take_apart(&wire, false);
        if let Some(answer) = answers.first().filter(|answer| answer.is_whole) {
            return answer.status;
        }
    }
}

#[test]
fn a_body_that_is_too_large_is_told_so() {
    alone(async {
        let raw = RawUpstream::start(0).await;
        let hub = Hub::start(&[("MAX_REQUEST_BYTES", "65536")], &[("claude", raw.url())]).await;
        let base = &Base::all(false)[0];
        let before = raw.requests();
        let body = vec![b' '; 8 << 20];
        let chunk = [b"10000\r\n", &body[..0x10000], b"\r\n"].concat();
        let head = base.head(hub.key(), "transfer-encoding: chunked\r\n\r\n");
        let chunked = [head.as_bytes(), &chunk, &chunk, b"0\r\n\r\n"].concat();
        for request in [base.wire_with(hub.key(), "", &body), chunked] {
            for _ in 0..20 {
                let exchange = wire::exchange(hub.address(), &request).await;
                judge(&exchange, base.shape).unwrap();
                assert_eq!(exchange.answers.first().map(|answer| answer.status), Some(413));
            }
        }
        assert_eq!(raw.requests(), before);
        hub.end().await;
        raw.stop().await;
    });
}

#[test]
fn a_client_that_never_reads_holds_back_the_upstream_and_not_the_hub() {
    alone(async {
        let upstream = Endless::start().await;
        let raw = RawUpstream::start(0).await;
        let hub = Hub::start(&[], &[("claude", raw.url()), ("openai-compatible", upstream.url())]).await;
        let resident = process::resident_kib();
        let request = Base::all(true)[1].wire(hub.key(), "");
        let mut deaf = Vec::new();
        for _ in 0..20 {
            let mut client = wire::connect(hub.address()).await;
            client.write_all(&request).await.unwrap();
            deaf.push(client);
        }
        let mut last = 0;
        let stands_still = eventually(Duration::from_secs(10), async || {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = upstream.sent.load(Ordering::SeqCst);
            now > 0 && std::mem::replace(&mut last, now) == now
        });
        assert!(stands_still.await, "the upstream sends on and on");
        let grown = process::resident_kib().saturating_sub(resident);
        // The kernel holds megabytes for each socket; that is not the hub's memory.
        assert!(grown < 20 << 10, "{grown} KiB for 20 clients that do not read");
        let others = wire::exchange(hub.address(), &Base::all(false)[0].wire(hub.key(), "")).await;
        assert_eq!(others.answers[0].status, 200, "others are served meanwhile");
        drop(deaf);
        assert!(hub.is_at_rest().await, "requests in flight after their clients left");
        let is_closed = async || upstream.open.load(Ordering::SeqCst) == 0;
        assert!(eventually(PATIENCE, is_closed).await, "connections to the upstream are left");
        hub.end().await;
        upstream.tasks.finish(PATIENCE).await;
        raw.stop().await;
    });
}

#[test]
fn clients_that_leave_at_any_moment_leave_nothing_behind() {
    alone(async {
        let upstream = Endless::start().await;
        let hub = Hub::start(&[], &[("openai-compatible", upstream.url())]).await;
        let request = Base::all(true)[1].wire(hub.key(), "");
        let sockets = process::open_sockets();
        for case in 0..120 {
            let mut client = wire::connect(hub.address()).await;
            // In the head, in the body, while the upstream is asked, in the stream.
            let sent = if case % 4 == 3 { request.len() } else { request.len() * (case % 40) / 40 };
            client.write_all(&request[..sent]).await.unwrap();
            if case % 8 == 7 {
                assert!(client.read(&mut [0; 64]).await.unwrap() > 0);
            } else if case % 3 == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            if case % 2 == 0 {
                client.set_zero_linger().unwrap();
            }
        }
        assert!(hub.is_at_rest().await, "requests in flight after their clients left");
        let is_closed =
            async || upstream.open.load(Ordering::SeqCst) == 0 && process::open_sockets() <= sockets;
        assert!(
            eventually(PATIENCE, is_closed).await,
            "{sockets} sockets before, {}",
            process::open_sockets()
        );
        hub.end().await;
        upstream.tasks.finish(PATIENCE).await;
    });
}

/// An upstream whose streams never end. Other answers do, and so do their connections.
struct Endless {
    address: std::net::SocketAddr,
    sent: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    tasks: Tasks,
}

impl Endless {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let endless = Self { address, sent: Arc::default(), open: Arc::default(), tasks: Tasks::new() };
        let (sent, open, tasks) =
            (Arc::clone(&endless.sent), Arc::clone(&endless.open), endless.tasks.clone());
        endless.tasks.spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = tasks.stop_signal().cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let (sent, open) = (Arc::clone(&sent), Arc::clone(&open));
                tasks.spawn(async move {
                    open.fetch_add(1, Ordering::SeqCst);
                    stream(accepted.unwrap().0, &sent).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        endless
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn stream(mut socket: TcpStream, sent: &AtomicUsize) {
    let mut request = Vec::new();
    let has =
        |request: &[u8], text: &str| request.windows(text.len()).any(|window| window == text.as_bytes());
    while !has(&request, "\"stream\":true") {
        if has(&request, "\"stream\":false") {
            let _ = socket.write_all(&crate::forge::good("/v1/chat/completions")).await;
            return;
        }
        if !matches!(socket.read_buf(&mut request).await, Ok(1..)) {
            return;
        }
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let frame =
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "x".repeat(8 << 10));
    if socket.write_all(head.as_bytes()).await.is_err() {
        return;
    }
    while socket.write_all(frame.as_bytes()).await.is_ok() {
        sent.fetch_add(frame.len(), Ordering::SeqCst);
    }
}
