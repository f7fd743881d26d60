//! Tunnels through proxies: to the proxy, a hand-shake, and then the bytes go to the origin and back as they
//! are. Plain http origins are reached by a tunnel as well, not by a request that the proxy makes: what comes
//! back is then what the origin sent, with its framing, and a failure of the proxy is no answer of the origin.
//! (A proxy that lets CONNECT through to port 443 only needs to allow the others.)

mod http;
mod socks;

use std::net::SocketAddr;

use hub_types::{ProxyScheme, ProxyUrl};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use super::connect::Connector;
use super::error::{ConnectError, ProxyFailure};
use super::route::Origin;
use super::stream::Carrier;

/// How many of the origin's addresses a proxy is asked for, one after another.
const MAX_ADDRESSES: usize = 4;

/// What the proxy is asked to connect to.
#[derive(Clone, Copy)]
enum Target<'a> {
    Name(&'a Origin),
    Address(SocketAddr),
}

/// A stream to the origin through the proxy.
pub(super) async fn tunnel(
    connector: &Connector,
    origin: &Origin,
    proxy: &ProxyUrl,
    end: Instant,
) -> Result<Carrier, ConnectError> {
    if proxy.scheme() != ProxyScheme::Socks5 {
        // An address in the URL is ours to check; what a name leads to is the proxy's decision.
        connector.check_literal(origin)?;
        return open(connector, proxy, Target::Name(origin), end).await;
    }
    let mut failure = ConnectError::AddressRefused;
    for address in connector.allowed_addresses(origin).await?.into_iter().take(MAX_ADDRESSES) {
        match open(connector, proxy, Target::Address(address), end).await {
            Err(unreachable @ ConnectError::Unreachable(_)) => failure = unreachable,
            ended => return ended,
        }
    }
    Err(failure)
}

async fn open(
    connector: &Connector,
    proxy: &ProxyUrl,
    target: Target<'_>,
    end: Instant,
) -> Result<Carrier, ConnectError> {
    let tcp = connector.dial_proxy(proxy.host(), proxy.port(), end).await?;
    let mut carrier = match proxy.scheme() {
        ProxyScheme::Https => connector.secure_proxy(proxy.host(), tcp).await?,
        ProxyScheme::Http | ProxyScheme::Socks5 | ProxyScheme::Socks5h => Carrier::Tcp(tcp),
    };
    if proxy.scheme().is_socks() {
        socks::shake_hands(&mut carrier, target, proxy.login()).await?;
    } else {
        http::shake_hands(&mut carrier, target, proxy.login()).await?;
    }
    Ok(carrier)
}

/// Exactly so many bytes.
async fn read_exactly<const N: usize>(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<[u8; N], ProxyFailure> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.map_err(|_| ProxyFailure::Closed)?;
    Ok(bytes)
}

/// Writes and flushes: within TLS, what is only written may stay behind.
async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), ProxyFailure> {
    use tokio::io::AsyncWriteExt;
    stream.write_all(bytes).await.map_err(|_| ProxyFailure::Closed)?;
    stream.flush().await.map_err(|_| ProxyFailure::Closed)
}
