//! The upstream client against servers that do as they are told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use hub_http::{
    ConnectError, Origin, Tasks, UpstreamClient, UpstreamError, UpstreamResponse, UpstreamSettings,
    tls_client_config,
};

use crate::fixture::eventually;

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that gives each connection the listed answers, one a request, and then closes.
struct Scripted {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
    tasks: Tasks,
}

impl Scripted {
    async fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, open, tasks) = (Arc::default(), Arc::default(), Tasks::new());
        let this = Self { address, connections, open, tasks };
        let (connections, open, tasks) =
            (Arc::clone(&this.connections), Arc::clone(&this.open), this.tasks.clone());
        this.tasks.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let open = Arc::clone(&open);
                tasks.spawn(async move {
                    play(socket, answers).await;
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        this
    }

    fn origin(&self) -> Origin {
        Origin::new(false, "127.0.0.1", self.address.port())
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

async fn play(mut socket: TcpStream, answers: &[&str]) {
    for answer in answers {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\nbody") {
            if !matches!(socket.read_buf(&mut request).await, Ok(1..)) {
                return;
            }
        }
        if *answer == "linger" || socket.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
    }
    if answers.last() == Some(&"linger") {
        let _ = socket.read(&mut [0; 1]).await;
    }
}

fn settings() -> UpstreamSettings {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    UpstreamSettings {
        connect_timeout: Duration::from_millis(300),
        ..UpstreamSettings::new(tls_client_config())
    }
}

fn client() -> UpstreamClient {
    UpstreamClient::new(settings())
}

fn request() -> Request<Bytes> {
    Request::post("/v1/any").header("host", "h").body(Bytes::from_static(b"body")).unwrap()
}

async fn read(mut response: UpstreamResponse) -> Result<Vec<u8>, UpstreamError> {
    let mut all = Vec::new();
    while let Some(piece) = response.body.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

/// Until a connection that has served may serve again.
pub(crate) async fn rest() {
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
}

async fn good(client: &UpstreamClient, origin: &Origin) -> bool {
    let response = client.send(origin, request()).await.unwrap();
    let reused = response.reused;
    assert_eq!(read(response).await.unwrap(), b"ok");
    reused
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = Scripted::start(&[GOOD, GOOD, GOOD, "linger"]).await;
    let client = client();
    for is_reused in [false, true, true] {
        assert_eq!(good(&client, &server.origin()).await, is_reused);
        rest().await;
    }
    assert_eq!((server.connections(), client.idle_connections()), (1, 1));
}

#[tokio::test]
async fn a_connection_rests_for_a_moment_after_an_answer() {
    let server = Scripted::start(&[GOOD, "linger"]).await;
    let (client, began) = (client(), std::time::Instant::now());
    let mut reused = Vec::new();
    for _ in 0..2 {
        reused.push(good(&client, &server.origin()).await);
    }
    // On a machine that stood still in between, it has rested.
    assert!(reused == [false, false] || began.elapsed() > std::time::Duration::from_millis(2), "{reused:?}");
}

#[tokio::test]
async fn a_connection_that_died_in_the_pool_is_replaced() {
    // Each connection is closed after one answer, when the client may have pooled it already.
    let server = Scripted::start(&[GOOD]).await;
    let client = client();
    for _ in 0..20 {
        good(&client, &server.origin()).await;
    }
    assert_eq!(server.connections(), 20);
    // Here the server takes the second request and closes without a word: the same sign, the same cure.
    let server = Scripted::start(&[GOOD, ""]).await;
    for _ in 0..5 {
        assert!(!good(&client, &server.origin()).await, "answered by a fresh connection");
    }
}

#[tokio::test]
async fn a_fresh_connection_that_dies_is_not_tried_again() {
    let server = Scripted::start(&[""]).await;
    let error = client().send(&server.origin(), request()).await.err().unwrap();
    assert!(matches!(error, UpstreamError::ClosedBeforeAnswer), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_is_not_http_is_malformed() {
    for answer in [
        &["garbage\r\n\r\n"],
        &["HTTP/1.1 2x0 OK\r\n\r\n"],
        &["HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"],
    ] {
        let server = Scripted::start(answer).await;
        let error = client().send(&server.origin(), request()).await.err().unwrap();
        assert!(matches!(error, UpstreamError::Malformed), "{answer:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_its_connection_is_not_kept() {
    for answer in [
        &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart"],
        &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n"],
        &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\npart\r\n"],
    ] {
        let (server, client) = (Scripted::start(answer).await, client());
        let response = client.send(&server.origin(), request()).await.unwrap();
        let error = read(response).await.err().unwrap();
        assert!(matches!(error, UpstreamError::Broken), "{answer:?}: {error:?}");
        assert_eq!(client.idle_connections(), 0);
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_given_to_nobody() {
    let twice =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
    let server = Scripted::start(Box::leak(Box::new([twice, "linger"]))).await;
    let client = client();
    for _ in 0..10 {
        assert!(!good(&client, &server.origin()).await, "its connection is not used again");
    }
}

#[tokio::test]
async fn a_body_dropped_early_closes_its_connection() {
    let server = Scripted::start(&["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart", "linger"]).await;
    let client = client();
    let mut response = client.send(&server.origin(), request()).await.unwrap();
    assert_eq!(response.body.next().await.unwrap().unwrap(), "part");
    assert_eq!(server.open(), 1);
    drop(response);
    assert_eq!(client.idle_connections(), 0);
    eventually("the server sees the end", || server.open() == 0).await;
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let origin = Origin::new(false, "127.0.0.1", closed.port());
    let error = client().send(&origin, request()).await.err().unwrap();
    let is_refused =
        matches!(error, UpstreamError::Connect(ConnectError::Tcp(std::io::ErrorKind::ConnectionRefused)));
    assert!(is_refused, "{error:?}");
}

#[tokio::test]
async fn connecting_takes_only_so_long() {
    // A listener whose queue is full does not answer at all.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let _full = socket.listen(0).unwrap();
    let _queued = TcpStream::connect(address).await.unwrap();
    let origin = Origin::new(false, "127.0.0.1", address.port());
    let error = client().send(&origin, request()).await.err().unwrap();
    assert!(matches!(error, UpstreamError::Connect(ConnectError::TimedOut(_))), "{error:?}");
    assert!(!error.to_string().contains("127.0.0.1"), "no address in the text");
}

#[tokio::test]
async fn addresses_that_the_rule_refuses_are_not_connected_to() {
    let server = Scripted::start(&[GOOD]).await;
    let rule: hub_http::AddressRule = Arc::new(|address| !address.is_loopback());
    let client = UpstreamClient::new(UpstreamSettings { address_rule: rule, ..settings() });
    for host in ["127.0.0.1", "localhost"] {
        let origin = Origin::new(false, host, server.address.port());
        let error = client.send(&origin, request()).await.err().unwrap();
        assert!(matches!(error, UpstreamError::Connect(ConnectError::AddressRefused)), "{host}: {error:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_pool_keeps_so_many_for_so_long() {
    let server = Scripted::start(&[GOOD, "linger"]).await;
    let client = UpstreamClient::new(UpstreamSettings {
        max_idle_per_origin: 3,
        idle_timeout: Duration::from_millis(150),
        ..settings()
    });
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(client.send(&server.origin(), request()).await.unwrap());
    }
    for response in open {
        read(response).await.unwrap();
    }
    assert_eq!((server.connections(), client.idle_connections()), (8, 3));
    eventually("the surplus is closed", || server.open() == 3).await;
    client.sweep();
    assert_eq!(client.idle_connections(), 3, "not past their time");
    tokio::time::sleep(Duration::from_millis(160)).await;
    client.sweep();
    assert_eq!(client.idle_connections(), 0);
    eventually("all are closed", || server.open() == 0).await;
}
