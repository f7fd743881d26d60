//! The deadline of connecting, wherever it gets stuck.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use hub_http::{
    ConnectError, Origin, ProxyFailure, Resolve, Route, UpstreamClient, UpstreamError, UpstreamSettings,
};

use crate::peer::{Identity, post};

const LIMIT: Duration = Duration::from_millis(500);

/// What a busy machine may add.
const BUSY: Duration = Duration::from_millis(300);

/// Sends a request that can't be connected for, and sees that it takes the limit and no longer.
async fn times_out(settings: UpstreamSettings, route: &Route) -> ConnectError {
    let client = UpstreamClient::new(UpstreamSettings { connect_timeout: LIMIT, ..settings });
    let start = Instant::now();
    let error = client.send(route, post("/any", Bytes::new())).await.err().unwrap();
    let took = start.elapsed();
    assert!((LIMIT..LIMIT + BUSY).contains(&took), "{took:?}: {error:?}");
    let UpstreamError::Connect(error) = error else { panic!("{error:?}") };
    error
}

/// Is accepted by the kernel and answered by nobody.
async fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Is not even accepted: the listener's queue is full.
async fn black_hole() -> (impl Sized, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let listener = socket.listen(0).unwrap();
    let queued = TcpStream::connect(address).await.unwrap();
    ((listener, queued), address)
}

fn origin(https: bool, address: SocketAddr) -> Origin {
    Origin::new(https, "127.0.0.1", address.port())
}

#[tokio::test]
async fn dns_tcp_and_tls_end_at_the_deadline() {
    let identity = Identity::new();
    let never: Resolve = Arc::new(|_, _| Box::pin(std::future::pending()));
    let settings = UpstreamSettings { resolve: never, ..identity.settings() };
    let route = Route::direct(Origin::new(true, "slow-dns.test", 443));
    assert!(matches!(times_out(settings, &route).await, ConnectError::TimedOut(LIMIT)));
    let (_hole, address) = black_hole().await;
    let route = Route::direct(origin(true, address));
    assert!(matches!(times_out(identity.settings(), &route).await, ConnectError::TimedOut(LIMIT)));
    let (_silent, address) = silent().await;
    let route = Route::direct(origin(true, address));
    assert!(matches!(times_out(identity.settings(), &route).await, ConnectError::TimedOut(LIMIT)));
}

#[tokio::test]
async fn proxies_end_at_the_deadline() {
    let identity = Identity::new();
    let ((_hole, black), (_silent, mute)) = (black_hole().await, silent().await);
    for scheme in ["http", "https", "socks5", "socks5h"] {
        for at in [black, mute] {
            let proxy = format!("{scheme}://{at}").parse().unwrap();
            let route = Route::through(Origin::new(true, "127.0.0.1", 443), proxy);
            let error = times_out(identity.settings(), &route).await;
            assert!(
                matches!(error, ConnectError::Proxy(ProxyFailure::TimedOut(LIMIT))),
                "{scheme}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn with_a_way_round_both_together_end_at_the_deadline() {
    let identity = Identity::new();
    let ((_hole, black), (_silent, mute)) = (black_hole().await, silent().await);
    for scheme in ["http", "socks5"] {
        let proxy = format!("{scheme}://{black}").parse().unwrap();
        let route = Route::through(origin(true, mute), proxy).fallback_to_direct(true);
        let error = times_out(identity.settings(), &route).await;
        assert!(matches!(error, ConnectError::TimedOut(LIMIT)), "{scheme}: {error:?}");
    }
}

#[tokio::test]
async fn who_waits_for_anothers_connection_waits_no_longer_than_for_his_own() {
    let identity = Identity::new();
    let (_silent, mute) = silent().await;
    let client = UpstreamClient::new(UpstreamSettings { connect_timeout: LIMIT, ..identity.settings() });
    let start = Instant::now();
    let route = Route::direct(origin(true, mute));
    let all = join_all((0..20).map(|_| client.send(&route, post("/any", Bytes::new())))).await;
    assert!(start.elapsed() < LIMIT + BUSY, "{:?}", start.elapsed());
    assert!(all.iter().all(|one| matches!(one, Err(UpstreamError::Connect(ConnectError::TimedOut(LIMIT))))));
}
