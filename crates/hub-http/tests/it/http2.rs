//! HTTP/2 upstreams: many requests on one connection, byte for byte, and what happens when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;

use hub_http::{Resolve, Route, Tasks, UpstreamClient, UpstreamError, UpstreamSettings};

use crate::fixture::eventually;
use crate::peer::{BOTH, Identity, ONE, Peer, Speaks, hash, pattern, post, read};
use crate::upstream::rest;

async fn who(client: &UpstreamClient, peer: &Peer) -> String {
    let response = client.send(&peer.origin(), post("/who", "")).await.unwrap();
    String::from_utf8(read(response).await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_protocol_is_what_both_sides_want() {
    for (speaks, http2, expected) in [
        (BOTH, true, "HTTP/2.0 upstream.test"),
        (BOTH, false, "HTTP/1.1 upstream.test"),
        (ONE, true, "HTTP/1.1 upstream.test"),
        (Speaks::Tls(&[]), true, "HTTP/1.1 upstream.test"),
        (Speaks::Plain, true, "HTTP/1.1 upstream.test"),
    ] {
        let peer = Peer::start(speaks).await;
        let client = UpstreamClient::new(UpstreamSettings { http2, ..peer.identity.settings() });
        assert_eq!(who(&client, &peer).await, expected);
        rest().await;
        assert_eq!(who(&client, &peer).await, expected);
        assert_eq!((peer.seen.connections(), client.idle_connections()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_at_once_share_one_connection() {
    let peer = Peer::start(BOTH).await;
    let client = peer.client();
    let exchanges = (0..100).map(|number| {
        let (client, origin) = (client.clone(), peer.origin());
        async move {
            let sent = pattern(10_000 + number * 977);
            let response = client.send(&origin, post("/echo", sent.clone())).await.unwrap();
            assert!(read(response).await.unwrap() == sent, "exchange {number}");
        }
    });
    join_all(exchanges).await;
    assert_eq!(peer.seen.connections(), 1, "even for those who came while it was made");
    assert!(peer.seen.most_running.load(Ordering::SeqCst) > 1);
    eventually("it is idle", || client.idle_connections() == 1).await;
}

#[tokio::test]
async fn who_gives_up_connecting_lets_the_next_one_connect() {
    let peer = Peer::start(BOTH).await;
    let (address, asked) = (peer.address, AtomicUsize::new(0));
    let resolve: Resolve = Arc::new(move |_, _| {
        let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move { if is_first { std::future::pending().await } else { Ok(vec![address]) } })
    });
    let client = UpstreamClient::new(UpstreamSettings { resolve, ..peer.identity.settings() });
    let origin = peer.origin_at("upstream.test");
    let first = Box::pin(client.send(&origin, post("/who", "")));
    let mut others = Box::pin(join_all((0..5).map(|_| client.send(&origin, post("/who", "")))));
    let both = futures_util::future::select(first, others.as_mut());
    let both = tokio::time::timeout(Duration::from_millis(100), both).await;
    assert!(both.is_err(), "they wait for the first one's connection, which is dropped here");
    assert!(others.await.iter().all(Result::is_ok));
    assert_eq!(peer.seen.connections(), 1);
}

#[tokio::test]
async fn where_connections_are_not_shared_nobody_waits_for_anothers() {
    let peer = Peer::start(ONE).await;
    let client = peer.client();
    let waiting = (0..8).map(|_| client.send(peer.origin_ref(), post("/wait", "")));
    let responses = join_all(waiting).await;
    assert_eq!(peer.seen.connections(), 8);
    drop(responses);
}

#[tokio::test]
async fn big_bodies_arrive_byte_for_byte_in_both_directions() {
    let peer = Peer::start(BOTH).await;
    let client = peer.client();
    let big = pattern(20 << 20);
    let response = client.send(&peer.origin(), post("/hash", big.clone())).await.unwrap();
    let told = String::from_utf8(read(response).await.unwrap()).unwrap();
    assert_eq!(told, format!("{0} {0} {1}", big.len(), hash(&big)));
    let path = format!("/big/{}", big.len());
    let response = client.send(&peer.origin(), post(&path, "")).await.unwrap();
    assert_eq!(response.head.status, 200);
    assert_eq!(hash(&read(response).await.unwrap()), hash(&big), "trailers are no part of it");
    // Both at once: the answer begins long before the request is through.
    let response = client.send(&peer.origin(), post("/echo", big.clone())).await.unwrap();
    assert_eq!(hash(&read(response).await.unwrap()), hash(&big));
    assert_eq!(peer.seen.connections(), 1);
}

#[tokio::test]
async fn a_length_that_was_announced_is_known_and_counted_down() {
    let peer = Peer::start(BOTH).await;
    let mut response = peer.client().send(&peer.origin(), post("/who", "")).await.unwrap();
    assert_eq!(response.body.announced_length(), Some(22));
    assert!(!response.body.is_end());
    assert_eq!(response.body.next().await.unwrap().unwrap(), "HTTP/2.0 upstream.test");
    assert!(response.body.is_end());
    assert!(response.body.next().await.is_none() && response.body.next().await.is_none());
    assert_eq!(response.body.announced_length(), Some(0));
}

#[tokio::test]
async fn a_slow_reader_slows_its_own_stream_and_no_other() {
    let peer = Peer::start(BOTH).await;
    let client = peer.client();
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut response = client.send(&peer.origin(), post("/endless", "")).await.unwrap();
        response.body.next().await.unwrap().unwrap();
        slow.push(response);
    }
    // Each has at most its window on the way, and what the server's side of it buffers.
    let mut before = 0;
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        let streamed = peer.seen.streamed.load(Ordering::SeqCst);
        if streamed != before {
            (before, since) = (streamed, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(before <= 20 * (1 << 20), "{before} bytes for readers who take none");
    let sent = pattern(1 << 20);
    let response = client.send(&peer.origin(), post("/echo", sent.clone())).await.unwrap();
    assert!(read(response).await.unwrap() == sent, "others get theirs");
    // It goes on where it stopped.
    for _ in 0..100 {
        assert!(slow[0].body.next().await.unwrap().unwrap().iter().all(|byte| *byte == b'x'));
    }
    assert_eq!(peer.seen.connections(), 1);
    drop(slow);
    eventually("the upstream sees them leave", || peer.seen.running() == 0).await;
    assert_eq!(peer.seen.open(), 1, "the connection stays");
}

#[tokio::test]
async fn leaving_cancels_a_stream_at_once_whether_it_is_answered_or_not() {
    let peer = Peer::start(BOTH).await;
    let client = peer.client();
    let response = client.send(&peer.origin(), post("/wait", "")).await.unwrap();
    let origin = peer.origin();
    let mut hanging = Box::pin(client.send(&origin, post("/hang", Bytes::from(pattern(1 << 20)))));
    let is_pending = tokio::time::timeout(Duration::from_millis(200), hanging.as_mut()).await.is_err();
    assert!(is_pending && peer.seen.running() == 2);
    let start = Instant::now();
    drop(response);
    drop(hanging);
    eventually("both are cancelled", || peer.seen.running() == 0).await;
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    assert_eq!(who(&client, &peer).await, "HTTP/2.0 upstream.test");
    assert_eq!(peer.seen.connections(), 1);
}

#[tokio::test]
async fn ten_thousand_departures_leave_nothing_behind() {
    let peer = Peer::start(BOTH).await;
    let tasks = Tasks::new();
    let client = UpstreamClient::new(UpstreamSettings { tasks: tasks.clone(), ..peer.identity.settings() });
    for round in 0..200 {
        // With and without something on the way to those who leave.
        let path = if round % 2 == 0 { "/wait" } else { "/big/5000" };
        let responses = join_all((0..50).map(|_| client.send(peer.origin_ref(), post(path, "")))).await;
        for response in responses {
            assert!(response.is_ok(), "round {round}: {:?}", response.err());
        }
    }
    eventually("all are cancelled", || peer.seen.running() == 0).await;
    assert_eq!(who(&client, &peer).await, "HTTP/2.0 upstream.test");
    assert_eq!((tasks.running(), client.idle_connections(), peer.seen.open()), (1, 1, 1));
    assert_eq!(peer.seen.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_ends_all_its_streams_and_the_next_request_gets_another() {
    let peer = Peer::start(BOTH).await;
    let client = peer.client();
    let waiting = join_all((0..5).map(|_| client.send(peer.origin_ref(), post("/wait", "")))).await;
    let origin = peer.origin();
    let hanging = client.send(&origin, post("/hang", ""));
    let cut = async {
        eventually("all are there", || peer.seen.running() == 6).await;
        peer.cut();
    };
    let (hanging, ()) = tokio::join!(hanging, cut);
    // It may have been taken: it is not for the transport to send it again.
    assert!(matches!(hanging.err().unwrap(), UpstreamError::ClosedBeforeAnswer));
    for response in waiting {
        let error = read(response.unwrap()).await.err().unwrap();
        assert!(matches!(error, UpstreamError::Broken), "{error:?}");
    }
    assert_eq!(who(&client, &peer).await, "HTTP/2.0 upstream.test");
    assert_eq!(peer.seen.connections(), 2);
}

#[tokio::test]
async fn an_idle_connection_that_was_cut_is_replaced_unnoticed() {
    let peer = Peer::start(BOTH).await;
    let client = peer.client();
    for round in 1..10 {
        assert_eq!(who(&client, &peer).await, "HTTP/2.0 upstream.test");
        assert_eq!(peer.seen.connections(), round);
        peer.cut();
    }
}

#[tokio::test]
async fn when_a_connection_is_full_another_one_is_made() {
    let peer = Peer::start_as(BOTH, Arc::new(Identity::new()), 5).await;
    let client = peer.client();
    let responses = join_all((0..12).map(|_| client.send(peer.origin_ref(), post("/wait", "")))).await;
    assert!(responses.iter().all(Result::is_ok));
    assert_eq!(peer.seen.connections(), 3);
    drop(responses);
    eventually("all are cancelled", || peer.seen.running() == 0).await;
    assert_eq!(client.idle_connections(), 3);
}

#[tokio::test]
async fn idle_connections_are_swept_and_used_ones_are_not() {
    let peer = Peer::start(BOTH).await;
    let tasks = Tasks::new();
    let client = UpstreamClient::new(UpstreamSettings {
        idle_timeout: Duration::from_millis(100),
        tasks: tasks.clone(),
        ..peer.identity.settings()
    });
    let response = client.send(&peer.origin(), post("/wait", "")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(120)).await;
    client.sweep();
    peer.seen.release.notify_one();
    assert_eq!(read(response).await.unwrap(), b"firstrest", "not evicted under a running stream");
    client.sweep();
    assert_eq!((client.idle_connections(), tasks.running()), (1, 1));
    tokio::time::sleep(Duration::from_millis(120)).await;
    client.sweep();
    assert_eq!(client.idle_connections(), 0);
    eventually("its task ends", || tasks.running() == 0 && peer.seen.open() == 0).await;
}

#[tokio::test]
async fn shutting_down_waits_for_what_runs_and_for_nothing_else() {
    let peer = Peer::start(BOTH).await;
    let tasks = Tasks::new();
    let settings = || UpstreamSettings { tasks: tasks.clone(), ..peer.identity.settings() };
    let (client, idle) = (UpstreamClient::new(settings()), UpstreamClient::new(settings()));
    who(&idle, &peer).await;
    let response = client.send(&peer.origin(), post("/wait", "")).await.unwrap();
    assert_eq!(tasks.running(), 2);
    assert_eq!(tasks.finish(Duration::from_millis(200)).await, 1, "one is in use");
    peer.seen.release.notify_one();
    assert_eq!(read(response).await.unwrap(), b"firstrest");
    assert_eq!(tasks.finish(Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn tunnels_carry_http2_too() {
    let peer = Peer::start(BOTH).await;
    let proxy = hub_testkit::TestProxy::microsocks(None).await.unwrap();
    let url = format!("socks5h://127.0.0.1:{}", proxy.port()).parse().unwrap();
    let (route, client) = (Route::through(peer.origin_at("localhost"), url), peer.client());
    let sent = pattern(1 << 20);
    let responses = join_all((0..10).map(|_| client.send(&route, post("/echo", sent.clone())))).await;
    for response in responses {
        assert!(read(response.unwrap()).await.unwrap() == sent);
    }
    assert_eq!(peer.seen.from(), [hub_testkit::TestProxy::ADDRESS]);
}
