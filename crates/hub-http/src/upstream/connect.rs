//! From an origin's name to a connection: DNS, address rule, TCP, TLS, under one deadline.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::UpstreamSettings;
use super::live::Live;
use super::tls::Stream;

/// Says whether an address may be connected to.
pub type AddressRule = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Where an upstream listens. Cheap to clone; connections are pooled by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(Arc<Parts>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Parts {
    https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// An origin by its parts; `host` is a name or an address, without brackets.
    pub fn new(https: bool, host: &str, port: u16) -> Self {
        Self(Arc::new(Parts { https, host: host.to_owned(), port }))
    }

    /// The value of the `host` header.
    pub fn host_header(&self) -> String {
        let Parts { https, host, port } = &*self.0;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let usual = if *https { 443 } else { 80 };
        if *port == usual { host } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host_header())
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The name is unknown, or DNS is away.
    #[error("the upstream's name could not be resolved")]
    Dns,
    /// Every address is in a range that is not to be connected to.
    #[error("the upstream's address is in a refused range")]
    AddressRefused,
    /// Nobody listens there, or the network is down.
    #[error("the upstream could not be connected to ({0})")]
    Tcp(std::io::ErrorKind),
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("no TLS connection to the upstream ({0})")]
    Tls(String),
    /// All of it took too long.
    #[error("connecting to the upstream took longer than {0:?}")]
    TimedOut(Duration),
}

#[derive(Clone)]
pub(super) struct Connector {
    timeout: Duration,
    tls: TlsConnector,
    rule: AddressRule,
}

impl Connector {
    pub(super) fn new(settings: UpstreamSettings) -> Self {
        Self {
            timeout: settings.connect_timeout,
            tls: TlsConnector::from(settings.tls),
            rule: settings.address_rule,
        }
    }

    pub(super) async fn connect(&self, origin: &Origin) -> Result<Live, ConnectError> {
        tokio::time::timeout(self.timeout, self.connect_slowly(&origin.0))
            .await
            .map_err(|_| ConnectError::TimedOut(self.timeout))?
    }

    async fn connect_slowly(&self, origin: &Parts) -> Result<Live, ConnectError> {
        let tcp = self.dial(origin).await?;
        let stream = if origin.https {
            let name = ServerName::try_from(origin.host.clone())
                .map_err(|_| ConnectError::Tls("the host is not a valid name".to_owned()))?;
            let tls =
                self.tls.connect(name, tcp).await.map_err(|error| ConnectError::Tls(error.to_string()))?;
            Stream::Tls(Box::new(tls))
        } else {
            Stream::Plain(tcp)
        };
        Live::handshake(stream).await.map_err(|_| ConnectError::Tcp(std::io::ErrorKind::ConnectionAborted))
    }

    /// Tries the allowed addresses in the resolver's order.
    async fn dial(&self, origin: &Parts) -> Result<TcpStream, ConnectError> {
        let mut failure = ConnectError::Dns;
        for address in resolve(origin).await? {
            if !(self.rule)(address.ip()) {
                failure = ConnectError::AddressRefused;
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(tcp) => {
                    tcp.set_nodelay(true).map_err(|error| ConnectError::Tcp(error.kind()))?;
                    return Ok(tcp);
                }
                Err(error) => failure = ConnectError::Tcp(error.kind()),
            }
        }
        Err(failure)
    }
}

async fn resolve(origin: &Parts) -> Result<Vec<SocketAddr>, ConnectError> {
    if let Ok(ip) = origin.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, origin.port)]);
    }
    let found =
        tokio::net::lookup_host((origin.host.as_str(), origin.port)).await.map_err(|_| ConnectError::Dns)?;
    Ok(found.collect())
}
