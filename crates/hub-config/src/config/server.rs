//! The listening side.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use url::Url;

use super::web_address;
use crate::network::Networks;
use crate::reader::Reader;
use crate::variables as of;

/// Listening, trust in proxies, bounds of what comes in, and the end.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen; port 0 is any free one.
    pub listen: SocketAddr,
    /// The address under which people reach the hub.
    pub public_url: Option<Url>,
    /// Peers whose word on the client's address is believed.
    pub trusted_proxies: Networks,
    /// The largest request body in bytes, compressed and decoded alike.
    pub max_request_bytes: u64,
    /// The most client connections at a time.
    pub max_connections: usize,
    /// How long running streams may go on after SIGTERM.
    pub shutdown_drain: Duration,
}

impl Server {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let host = reader.value(&of::APP_HOST, host);
        let port = reader.count(&of::APP_PORT);
        let public_url = reader.optional(&of::APP_URL, web_address);
        let trusted_proxies = reader.value(&of::TRUSTED_PROXIES, Networks::parse);
        let max_request_bytes = reader.count(&of::MAX_REQUEST_BYTES);
        let max_connections = reader.count(&of::MAX_CONNECTIONS);
        let shutdown_drain = reader.duration(&of::SHUTDOWN_DRAIN_MS);
        Some(Self {
            listen: SocketAddr::new(host?, port?),
            public_url: public_url?,
            trusted_proxies: trusted_proxies?,
            max_request_bytes: max_request_bytes?,
            max_connections: max_connections?,
            shutdown_drain: shutdown_drain?,
        })
    }
}

/// Other names than `localhost` would have to be looked up, and could mean several addresses.
fn host(text: &str) -> Option<IpAddr> {
    if text.eq_ignore_ascii_case("localhost") {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    let unbracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    unbracketed.unwrap_or(text).parse().ok()
}
