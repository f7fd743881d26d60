//! Clients that are slow, idle, deaf, or gone.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use hub_http::{BodyLimits, ServerSettings};

use crate::client::Client;
use crate::fixture::{Paths, eventually, impatient, serve};

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(impatient(), &paths).await;
    let started = Instant::now();
    let Client(socket) = Client::connect(server.address()).await;
    let (mut reading, mut writing) = socket.into_split();
    let drip = async {
        // A byte now and then must not win more time.
        for byte in b"GET /any HTTP/1.1\r\nhost: h\r\n".iter().cycle() {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let end = async {
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut rest).await;
    };
    let both = async {
        tokio::select! { () = drip => {}, () = end => {} }
    };
    tokio::time::timeout(Duration::from_secs(5), both).await.expect("cut off");
    assert!(started.elapsed() >= Duration::from_millis(300), "not before its time");
    eventually("the connection is gone", || server.connections() == 0).await;
    assert_eq!(paths.calls(), 0);
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(impatient(), &paths).await;
    let mut never_spoke = Client::connect(server.address()).await;
    let mut spoke_once = Client::connect(server.address()).await;
    let mut busy = Client::connect(server.address()).await;
    busy.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n").await;
    spoke_once.send("GET /any HTTP/1.1\r\nhost: h\r\n\r\n").await;
    spoke_once.read_until("\r\n\r\nfine").await;
    assert_eq!(never_spoke.read_to_end().await, "");
    assert_eq!(spoke_once.read_to_end().await, "");
    assert_eq!(server.connections(), 1, "the busy one");
    paths.release();
    busy.read_until("\r\n\r\nreleased").await;
    assert_eq!(busy.read_to_end().await, "", "idle from here on");
}

#[tokio::test]
async fn a_body_below_the_minimum_rate_is_refused() {
    let limits = BodyLimits { grace: Duration::from_millis(200), min_rate: 1000, ..BodyLimits::default() };
    let paths = Paths::new(limits);
    let server = serve(impatient(), &paths).await;
    let mut client = Client::connect(server.address()).await;
    client.send("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\nslow").await;
    let answer = client.read_to_end().await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("came in too slowly"), "{answer}");
    eventually("the connection is gone", || server.connections() == 0).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_stream() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    let mut client = Client::connect(server.address()).await;
    client.send("GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await;
    eventually("the stream begins", || paths.streamed.load(Ordering::SeqCst) > 0).await;
    let mut last = 0;
    eventually("the stream stands still", || {
        std::thread::sleep(Duration::from_millis(100));
        std::mem::replace(&mut last, paths.streamed.load(Ordering::SeqCst)) == last
    })
    .await;
    // What the two sockets hold, and not what memory holds.
    assert!(last < 32 << 20, "{last} bytes for a client that does not read");
    assert_eq!(paths.running.load(Ordering::SeqCst), 1);
    drop(client);
    eventually("the stream ends", || paths.running.load(Ordering::SeqCst) == 0).await;
    eventually("the connection is gone", || server.connections() == 0).await;
}

#[tokio::test]
async fn a_client_may_leave_at_every_stage() {
    let paths = Paths::new(BodyLimits::default());
    let server = serve(ServerSettings::default(), &paths).await;
    for sent in [
        "",
        "POST /ec",
        "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nabc",
        "GET /wait HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET /endless HTTP/1.1\r\nhost: h\r\n\r\n",
    ] {
        for by_reset in [false, true] {
            let before = paths.calls();
            let mut client = Client::connect(server.address()).await;
            client.send(sent).await;
            if sent.ends_with("\r\n\r\n") {
                eventually("the call", || paths.calls() > before).await;
            }
            if by_reset {
                client.0.set_zero_linger().unwrap();
            }
            drop(client);
            eventually("the connection is gone", || server.connections() == 0).await;
            eventually("the call is given up", || paths.running.load(Ordering::SeqCst) == 0).await;
        }
    }
}
