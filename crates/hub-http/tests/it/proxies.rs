//! Proxies: the programs that people run, with and without a login.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_testkit::TestProxy;
use tokio::net::TcpListener;

use hub_http::{ConnectError, ProxyFailure, Resolve, Route, UpstreamClient, UpstreamError, UpstreamSettings};
use hub_types::ProxyUrl;

use crate::peer::{ONE, Peer, Speaks, pattern, post, read};

const DIRECT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const BY_PROXY: IpAddr = IpAddr::V4(TestProxy::ADDRESS);
const LOGIN: Option<(&str, &str)> = Some(("someone", "pass-word"));

fn proxy(scheme: &str, login: &str, port: u16) -> ProxyUrl {
    format!("{scheme}://{login}127.0.0.1:{port}").parse().unwrap()
}

/// Sends a body through the route and takes it back; true if the connection was one from the pool.
async fn echo(client: &UpstreamClient, route: &Route) -> Result<bool, UpstreamError> {
    let body = pattern(300_000);
    let response = client.send(route, post("/echo", body.clone())).await?;
    let reused = response.reused;
    assert!(read(response).await? == body, "byte for byte");
    Ok(reused)
}

fn connect_error(error: UpstreamError) -> ConnectError {
    match error {
        UpstreamError::Connect(error) => error,
        other => panic!("{other}"),
    }
}

/// Everything that each kind of proxy has to do.
async fn serves(scheme: &str, login: &str, port: u16, peer: &Peer) {
    let client = peer.client();
    let url = proxy(scheme, login, port);
    for host in ["127.0.0.1", "localhost"] {
        let route = Route::through(peer.origin_at(host), url.clone());
        let before = peer.seen.connections();
        assert!(!echo(&client, &route).await.unwrap(), "{scheme} {host}");
        assert!(echo(&client, &route).await.unwrap(), "the tunnel is kept");
        assert_eq!(peer.seen.from()[before..], [BY_PROXY], "{scheme} {host}");
    }
    // Whoever goes directly gets a connection of his own.
    let before = peer.seen.connections();
    assert!(!echo(&client, &Route::direct(peer.origin_at("localhost"))).await.unwrap());
    assert_eq!(peer.seen.from()[before..], [DIRECT]);
    // Nobody listens there: that's not the proxy's fault, and nobody goes round it.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let origin = hub_http::Origin::new(false, "127.0.0.1", closed.port());
    let route = Route::through(origin, url).fallback_to_direct(true);
    let error = connect_error(echo(&client, &route).await.unwrap_err());
    assert!(matches!(error, ConnectError::Unreachable(_)) && !error.is_proxy(), "{scheme}: {error:?}");
}

#[tokio::test]
async fn http_proxies_tunnel_to_plain_and_tls_upstreams() {
    let (open, closed) =
        (TestProxy::tinyproxy(None).await.unwrap(), TestProxy::tinyproxy(LOGIN).await.unwrap());
    for speaks in [Speaks::Plain, ONE] {
        let peer = Peer::start(speaks).await;
        serves("http", "", open.port(), &peer).await;
        serves("http", "someone:pass%2Dword@", closed.port(), &peer).await;
    }
}

#[tokio::test]
async fn https_proxies_are_spoken_to_within_tls() {
    let peer = Peer::start(ONE).await;
    for (login, written) in [(None, ""), (LOGIN, "someone:pass-word@")] {
        let behind = TestProxy::tinyproxy(login).await.unwrap();
        let front = TestProxy::stunnel(peer.identity.pem(), &behind).await.unwrap();
        serves("https", written, front.port(), &peer).await;
        // A proxy whose certificate nobody trusts is not told the login.
        let stranger = Peer::start(ONE).await;
        let route = Route::through(stranger.origin(), proxy("https", written, front.port()));
        let error = connect_error(echo(&stranger.client(), &route).await.unwrap_err());
        assert!(matches!(error, ConnectError::Proxy(ProxyFailure::Tls(_))), "{error:?}");
    }
}

#[tokio::test]
async fn socks_proxies_tunnel_with_names_resolved_here_or_there() {
    let (open, closed) =
        (TestProxy::microsocks(None).await.unwrap(), TestProxy::microsocks(LOGIN).await.unwrap());
    for speaks in [Speaks::Plain, ONE] {
        let peer = Peer::start(speaks).await;
        for scheme in ["socks5", "socks5h"] {
            serves(scheme, "", open.port(), &peer).await;
            serves(scheme, "someone:pass-word@", closed.port(), &peer).await;
        }
    }
}

#[tokio::test]
async fn a_login_that_is_wrong_or_missing_is_the_proxys_failure() {
    let peer = Peer::start(Speaks::Plain).await;
    let (http, socks) =
        (TestProxy::tinyproxy(LOGIN).await.unwrap(), TestProxy::microsocks(LOGIN).await.unwrap());
    for (scheme, port) in [("http", http.port()), ("socks5", socks.port()), ("socks5h", socks.port())] {
        for login in ["", "someone:s3cret@", "nobody:pass-word@"] {
            let route = Route::through(peer.origin(), proxy(scheme, login, port));
            let error = connect_error(echo(&peer.client(), &route).await.unwrap_err());
            assert!(matches!(error, ConnectError::Proxy(ProxyFailure::Login)), "{scheme} {login}: {error:?}");
            assert!(error.is_proxy() && !error.to_string().contains("s3cret"));
        }
    }
    assert_eq!(peer.seen.connections(), 0);
}

#[tokio::test]
async fn where_it_is_allowed_a_failed_proxy_is_gone_round_once() {
    let peer = Peer::start(ONE).await;
    let running = TestProxy::microsocks(None).await.unwrap();
    let url = proxy("socks5h", "", running.port());
    let route = Route::through(peer.origin(), url);
    let falling_back = route.clone().fallback_to_direct(true);
    let client = peer.client();
    assert!(!echo(&client, &falling_back).await.unwrap(), "the proxy is preferred");
    running.stop().unwrap();
    assert!(!echo(&client, &falling_back).await.unwrap(), "its dead connection is replaced by a direct one");
    assert!(echo(&client, &falling_back).await.unwrap(), "which is kept");
    assert_eq!(peer.seen.from(), [BY_PROXY, DIRECT]);
    let error = connect_error(echo(&client, &route).await.unwrap_err());
    assert!(matches!(error, ConnectError::Proxy(ProxyFailure::Tcp(_))), "{error:?}");
}

#[tokio::test]
async fn a_proxy_that_does_not_answer_takes_its_share_of_the_time() {
    let peer = Peer::start(Speaks::Plain).await;
    let frozen = TestProxy::tinyproxy(None).await.unwrap();
    frozen.freeze().unwrap();
    let route = Route::through(peer.origin(), proxy("http", "", frozen.port()));
    let connect_timeout = Duration::from_millis(1000);
    let client = UpstreamClient::new(UpstreamSettings { connect_timeout, ..peer.identity.settings() });
    let start = Instant::now();
    let error = connect_error(echo(&client, &route).await.unwrap_err());
    assert!(matches!(error, ConnectError::Proxy(ProxyFailure::TimedOut(_))), "{error:?}");
    let took = start.elapsed();
    assert!((950..1400).contains(&took.as_millis()), "{took:?}");
    // With a way round it has half of it.
    let start = Instant::now();
    echo(&client, &route.fallback_to_direct(true)).await.unwrap();
    assert!((500..1000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(peer.seen.from(), [DIRECT]);
}

fn resolver(address: IpAddr) -> Resolve {
    Arc::new(move |_, port| Box::pin(async move { Ok(vec![(address, port).into()]) }))
}

#[tokio::test]
async fn names_that_lead_into_refused_ranges_are_refused_at_connect() {
    let peer = Peer::start(Speaks::Plain).await;
    let socks = TestProxy::microsocks(None).await.unwrap();
    let client = |resolved: Ipv4Addr| {
        UpstreamClient::new(UpstreamSettings {
            address_rule: Arc::new(|address| address != IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66))),
            resolve: resolver(resolved.into()),
            ..peer.identity.settings()
        })
    };
    let (refused, allowed) = (client(Ipv4Addr::new(127, 0, 0, 66)), client(Ipv4Addr::LOCALHOST));
    let by = |scheme| proxy(scheme, "", socks.port());
    let innocent = peer.origin_at("innocent.test");
    // Where the hub resolves, the rule holds for what comes out.
    for route in [Route::direct(innocent.clone()), Route::through(innocent.clone(), by("socks5"))] {
        echo(&allowed, &route).await.unwrap();
        let error = connect_error(echo(&refused, &route).await.unwrap_err());
        assert!(matches!(error, ConnectError::AddressRefused), "{route:?}: {error:?}");
    }
    // Where the proxy does, it holds for addresses in the URL, and no fallback leads round it.
    let literal = peer.origin_at("127.0.0.66");
    for scheme in ["socks5", "socks5h", "http"] {
        let route = Route::through(literal.clone(), by(scheme)).fallback_to_direct(true);
        let error = connect_error(echo(&allowed, &route).await.unwrap_err());
        assert!(matches!(error, ConnectError::AddressRefused), "{route:?}: {error:?}");
    }
    // The proxy's own address has a rule of its own.
    let no_proxies: hub_http::AddressRule = Arc::new(|_| false);
    let settings = UpstreamSettings { proxy_address_rule: no_proxies, ..peer.identity.settings() };
    let route = Route::through(peer.origin(), by("socks5h"));
    let error = connect_error(echo(&UpstreamClient::new(settings), &route).await.unwrap_err());
    assert!(matches!(error, ConnectError::Proxy(ProxyFailure::AddressRefused)), "{error:?}");
}

#[tokio::test]
async fn an_address_that_is_silent_leaves_time_to_the_next_one() {
    let peer = Peer::start(Speaks::Plain).await;
    // A listener whose queue is full does not answer.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, 3), peer.address.port()).into()).unwrap();
    let silent = socket.local_addr().unwrap();
    let _full = socket.listen(0).unwrap();
    let _queued = tokio::net::TcpStream::connect(silent).await.unwrap();
    let (first, second) = (silent, peer.address);
    let resolve: Resolve = Arc::new(move |_, _| Box::pin(async move { Ok(vec![first, second]) }));
    let settings =
        UpstreamSettings { connect_timeout: Duration::from_millis(600), resolve, ..peer.identity.settings() };
    let route = Route::direct(peer.origin_at("two.test"));
    echo(&UpstreamClient::new(settings), &route).await.unwrap();
}
