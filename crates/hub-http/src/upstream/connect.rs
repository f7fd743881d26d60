//! From a route to a connection: DNS, address rule, TCP, proxy, TLS, under one deadline.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::UpstreamSettings;
use super::dial::{self, AddressRule, Resolve, Unreached};
use super::error::{ConnectError, ProxyFailure};
use super::h2;
use super::live::Live;
use super::proxy;
use super::route::{Origin, Way};
use super::stream::{Carrier, Stream};
use super::tls::speaking;

/// How long connecting may take, from when.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    start: Instant,
    whole: Duration,
    /// For the tunnel through a proxy.
    tunnel: Duration,
}

impl Patience {
    /// Leaves half of the time to another way, if there is one.
    pub(super) fn start(whole: Duration, is_shared: bool) -> Self {
        let tunnel = if is_shared { whole / 2 } else { whole };
        Self { start: Instant::now(), whole, tunnel }
    }

    pub(super) fn end(self) -> Instant {
        self.start + self.whole
    }

    pub(super) fn is_over(self) -> ConnectError {
        ConnectError::TimedOut(self.whole)
    }
}

/// A connection that has just been made.
pub(super) enum Connected {
    /// HTTP/1.1
    One(Live),
    /// HTTP/2
    Many(h2::Fresh),
}

#[derive(Clone)]
pub(super) struct Connector {
    resolve: Resolve,
    rule: AddressRule,
    proxy_rule: AddressRule,
    tls: TlsConnector,
    proxy_tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(settings: UpstreamSettings) -> Self {
        let protocols: &[&[u8]] = if settings.http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        Self {
            tls: TlsConnector::from(speaking(&settings.tls, protocols)),
            proxy_tls: TlsConnector::from(speaking(&settings.tls, &[b"http/1.1"])),
            resolve: settings.resolve,
            rule: settings.address_rule,
            proxy_rule: settings.proxy_address_rule,
        }
    }

    pub(super) async fn connect(&self, way: &Way, patience: Patience) -> Result<Connected, ConnectError> {
        let connecting = self.connect_slowly(way, patience);
        timeout_at(patience.end(), connecting).await.map_err(|_| patience.is_over())?
    }

    async fn connect_slowly(&self, way: &Way, patience: Patience) -> Result<Connected, ConnectError> {
        let origin = &way.origin;
        let carrier = if let Some(proxy) = &way.proxy {
            let end = patience.start + patience.tunnel;
            timeout_at(end, proxy::tunnel(self, origin, proxy, end))
                .await
                .map_err(|_| ProxyFailure::TimedOut(patience.tunnel))??
        } else {
            let addresses = self.allowed_addresses(origin).await?;
            Carrier::Tcp(dial::dial(addresses, patience.end()).await?)
        };
        let broken = || ConnectError::Tcp(std::io::ErrorKind::ConnectionAborted);
        let stream = if origin.is_https() {
            let tls = secure(&self.tls, origin.host(), carrier).await.map_err(ConnectError::Tls)?;
            let is_many = tls.get_ref().1.alpn_protocol() == Some(b"h2");
            let stream = Stream::Tls(Box::new(tls));
            if is_many {
                return h2::Fresh::shake_hands(stream).await.map(Connected::Many).map_err(|_| broken());
            }
            stream
        } else {
            Stream::Plain(carrier)
        };
        Live::handshake(stream).await.map(Connected::One).map_err(|_| broken())
    }

    /// Where an origin is, as far as it may be connected to.
    pub(super) async fn allowed_addresses(&self, origin: &Origin) -> Result<Vec<SocketAddr>, ConnectError> {
        Ok(dial::addresses(&self.resolve, &self.rule, origin.host(), origin.port()).await?)
    }

    /// The rule on an origin that is named by its address; any name is good.
    pub(super) fn check_literal(&self, origin: &Origin) -> Result<(), ConnectError> {
        match origin.host().parse::<IpAddr>() {
            Ok(address) if !(self.rule)(address) => Err(ConnectError::AddressRefused),
            _ => Ok(()),
        }
    }

    pub(super) async fn dial_proxy(
        &self,
        host: &str,
        port: u16,
        end: Instant,
    ) -> Result<TcpStream, ProxyFailure> {
        let addresses = dial::addresses(&self.resolve, &self.proxy_rule, host, port).await?;
        Ok(dial::dial(addresses, end).await?)
    }

    pub(super) async fn secure_proxy(&self, host: &str, tcp: TcpStream) -> Result<Carrier, ProxyFailure> {
        let tls = secure(&self.proxy_tls, host, tcp).await.map_err(ProxyFailure::Tls)?;
        Ok(Carrier::Tls(Box::new(tls)))
    }
}

async fn secure<S>(
    tls: &TlsConnector,
    host: &str,
    stream: S,
) -> Result<tokio_rustls::client::TlsStream<S>, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| "the host is not a valid name".to_owned())?;
    tls.connect(name, stream).await.map_err(|error| error.to_string())
}

impl From<Unreached> for ConnectError {
    fn from(why: Unreached) -> Self {
        match why {
            Unreached::Dns => Self::Dns,
            Unreached::Refused => Self::AddressRefused,
            Unreached::Tcp(kind) => Self::Tcp(kind),
        }
    }
}

impl From<Unreached> for ProxyFailure {
    fn from(why: Unreached) -> Self {
        match why {
            Unreached::Dns => Self::Dns,
            Unreached::Refused => Self::AddressRefused,
            Unreached::Tcp(kind) => Self::Tcp(kind),
        }
    }
}
