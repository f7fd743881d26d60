//! Proxies that misbehave: garbage, silence, refusals, hanging up half-way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use hub_http::{ConnectError, ProxyFailure, Route, Tasks, UpstreamClient, UpstreamError, UpstreamSettings};
use hub_types::ProxyUrl;

use crate::peer::{Peer, Speaks, post, read};

/// A proxy that says its lines, each after something was read, and hangs up; after `"..."` it only waits.
struct Rogue {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _tasks: Tasks,
}

impl Rogue {
    async fn start(lines: &[&[u8]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, connections, tasks) = (listener.local_addr().unwrap(), Arc::default(), Tasks::new());
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
        let count: Arc<AtomicUsize> = Arc::clone(&connections);
        let inner = tasks.clone();
        tasks.spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let lines = lines.clone();
                inner.spawn(async move {
                    for line in lines {
                        if line == b"..." {
                            std::future::pending::<()>().await;
                        }
                        if !matches!(socket.read(&mut [0; 4096]).await, Ok(1..)) {
                            return;
                        }
                        let _ = socket.write_all(&line).await;
                    }
                });
            }
        });
        Self { address, connections, _tasks: tasks }
    }

    fn url(&self, scheme: &str) -> ProxyUrl {
        format!("{scheme}://user:s3cret@{}", self.address).parse().unwrap()
    }
}

/// What becomes of a request through such a proxy.
async fn outcome(scheme: &str, lines: &[&[u8]], peer: &Peer) -> ConnectError {
    let rogue = Rogue::start(lines).await;
    let settings =
        UpstreamSettings { connect_timeout: Duration::from_millis(500), ..peer.identity.settings() };
    let client = UpstreamClient::new(settings);
    let route = Route::through(peer.origin(), rogue.url(scheme));
    let start = Instant::now();
    let error = client.send(&route, post("/who", "")).await.err().expect("no tunnel");
    assert!(start.elapsed() < Duration::from_millis(900), "{lines:?} took {:?}", start.elapsed());
    assert_eq!(rogue.connections.load(Ordering::SeqCst), 1, "asked once");
    assert!(!error.to_string().contains("s3cret") && !format!("{error:?} {route:?}").contains("s3cret"));
    let UpstreamError::Connect(error) = error else { panic!("{lines:?}: {error:?}") };
    if error.is_proxy() {
        let round = client.send(route.fallback_to_direct(true), post("/who", "")).await.unwrap();
        assert!(read(round).await.unwrap().starts_with(b"HTTP/1.1"), "{lines:?}");
    }
    error
}

#[tokio::test]
async fn an_http_proxy_is_believed_nothing_but_a_clean_answer() {
    let peer = Peer::start(Speaks::Plain).await;
    let long = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 40_000]].concat();
    let cases: &[(&[&[u8]], &str)] = &[
        (&[b"SSH-2.0-OpenSSH\r\n\r\n"], "answered something else than HTTP"),
        (&[b"\x05\x00"], "answered something else than HTTP"),
        (&[&long, b"..."], "answered something else than HTTP"),
        (&[b"HTTP/1.1 2"], "answered something else than HTTP"),
        // Bytes after the head can't be the origin's: it has not been asked anything yet.
        (
            &[b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
            "something else than HTTP",
        ),
        (&[b""], "closed the connection"),
        (&[], "closed the connection"),
        (
            &[b"HTTP/1.1 407 Who?\r\nproxy-authenticate: Basic\r\ncontent-length: 2\r\n\r\nno"],
            "refused the login",
        ),
        (&[b"HTTP/1.0 403 No\r\n\r\n"], "refused to connect (it answered 403)"),
        (&[b"HTTP/1.1 302 Found\r\nlocation: http://x/\r\n\r\n"], "refused to connect (it answered 302)"),
        (&[b"HTTP/1.1 100 Continue\r\n\r\n"], "refused to connect (it answered 100)"),
        (&[b"HTTP/1.1 200 OK\r\n", b"..."], "no connection within 500ms"),
        (&[b"..."], "no connection within 500ms"),
    ];
    for (lines, text) in cases {
        let error = outcome("http", lines, &peer).await;
        assert!(error.is_proxy() && error.to_string().contains(text), "{lines:?}: {error}");
    }
    let error = outcome("http", &[b"HTTP/1.1 502 Bad Gateway\r\n\r\n"], &peer).await;
    assert!(matches!(error, ConnectError::Unreachable(_)), "{error:?}");
    let error = outcome("https", &[b"HTTP/1.1 400 Plain\r\n\r\n"], &peer).await;
    assert!(matches!(error, ConnectError::Proxy(ProxyFailure::Tls(_))), "{error:?}");
}

#[tokio::test]
async fn a_socks_proxy_is_believed_nothing_but_a_clean_answer() {
    let peer = Peer::start(Speaks::Plain).await;
    let cases: &[(&[&[u8]], &str)] = &[
        (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], "something else than SOCKS5"),
        (&[b"\x04\x00"], "something else than SOCKS5"),
        (&[b"\x05\x01"], "something else than SOCKS5"),
        (&[b"\x05"], "closed the connection"),
        (&[], "closed the connection"),
        (&[b"\x05\xFF"], "refused the login"),
        (&[b"\x05\x02", b"\x01\x01"], "refused the login"),
        (&[b"\x05\x02", b"\x07\x00"], "something else than SOCKS5"),
        (&[b"\x05\x00", b"\x04\x00\x00\x01"], "something else than SOCKS5"),
        (&[b"\x05\x00", b"\x05\x00\x00\x09"], "something else than SOCKS5"),
        (&[b"\x05\x00", b"\x05\x00\x00\x03\xFFabc"], "closed the connection"),
        (&[b"\x05\x00", b"\x05\x00\x00\x01\x00\x00"], "closed the connection"),
        (&[b"\x05\x00", b"\x05\x01\x00\x01"], "refused to connect (general failure)"),
        (&[b"\x05\x00", b"\x05\x02\x00\x01"], "refused to connect (not allowed by its rules)"),
        (&[b"\x05\x00", b"\x05\x63\x00\x01"], "refused to connect (reply 99)"),
        (&[b"\x05\x00", b"..."], "no connection within 500ms"),
        (&[b"..."], "no connection within 500ms"),
    ];
    for (lines, text) in cases {
        for scheme in ["socks5", "socks5h"] {
            let error = outcome(scheme, lines, &peer).await;
            assert!(error.is_proxy() && error.to_string().contains(text), "{lines:?}: {error}");
        }
    }
    for (reply, text) in
        [(3, "network unreachable"), (4, "host unreachable"), (5, "refused"), (6, "timed out")]
    {
        let error = outcome("socks5h", &[b"\x05\x00", &[5, reply, 0, 1]], &peer).await;
        assert!(!error.is_proxy() && error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_tunnel_that_closes_is_the_upstreams_affair() {
    let peer = Peer::start(Speaks::Plain).await;
    let rogue = Rogue::start(&[b"HTTP/1.1 200 OK\r\n\r\n"]).await;
    let route = Route::through(peer.origin(), rogue.url("http")).fallback_to_direct(true);
    let error = peer.client().send(&route, post("/who", "")).await.err().unwrap();
    assert!(matches!(error, UpstreamError::ClosedBeforeAnswer), "{error:?}");
    assert_eq!(peer.seen.connections(), 0, "the request may have been taken: it is not sent again");
}
