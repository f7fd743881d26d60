//! Names to addresses, the rule on addresses, and TCP.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// Says whether an address may be connected to.
pub type AddressRule = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Finds the addresses of a host and port.
pub type Resolve = Arc<dyn Fn(&str, u16) -> Resolving + Send + Sync>;

/// A look-up under way.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Why nobody was reached.
pub(super) enum Unreached {
    /// No address.
    Dns,
    /// All addresses are refused.
    Refused,
    /// The last address's failure.
    Tcp(io::ErrorKind),
}

/// The system's resolver.
pub(super) fn system_resolver() -> Resolve {
    Arc::new(|host, port| {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    })
}

/// The addresses of a host that the rule allows; at least one.
pub(super) async fn addresses(
    resolve: &Resolve,
    rule: &AddressRule,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, Unreached> {
    let mut found = match host.parse() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => resolve(host, port).await.map_err(|_| Unreached::Dns)?,
    };
    if found.is_empty() {
        return Err(Unreached::Dns);
    }
    found.retain(|address| rule(address.ip()));
    if found.is_empty() { Err(Unreached::Refused) } else { Ok(found) }
}

/// Tries one address after another. Each has its part of the time that is left, so that one that says nothing
/// leaves some to the others.
pub(super) async fn dial(addresses: Vec<SocketAddr>, end: Instant) -> Result<TcpStream, Unreached> {
    let mut failure = Unreached::Dns;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let part = end.saturating_duration_since(Instant::now()) / left.max(1);
        let connecting = TcpStream::connect(address);
        // The last one's end is the caller's deadline.
        let connected = if left > 1 { timeout(part, connecting).await } else { Ok(connecting.await) };
        left = left.saturating_sub(1);
        // Without nodelay, small pieces wait for the other side's acknowledgement (steps of 40 ms).
        match connected.map(|tcp| tcp.and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))) {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => failure = Unreached::Tcp(error.kind()),
            Err(_) => failure = Unreached::Tcp(io::ErrorKind::TimedOut),
        }
    }
    Err(failure)
}
