//! Where a request goes: the origin, and the proxy before it if there is one.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hub_types::ProxyUrl;

/// Where an upstream listens. Cheap to clone.
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
        if self.port() == if self.is_https() { 443 } else { 80 } {
            self.bracketed_host()
        } else {
            self.authority()
        }
    }

    /// Is TLS spoken with it?
    pub fn is_https(&self) -> bool {
        self.0.https
    }

    /// Name or address, without brackets.
    pub(super) fn host(&self) -> &str {
        &self.0.host
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port
    }

    /// Host and port, as CONNECT wants them.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port())
    }

    fn bracketed_host(&self) -> String {
        let host = self.host();
        if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host_header())
    }
}

/// An origin and the way to it. Connections are pooled by both. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Route {
    pub(super) way: Way,
    pub(super) falls_back: bool,
}

/// The key of the pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) origin: Origin,
    pub(super) proxy: Option<ProxyUrl>,
}

impl Hash for Way {
    /// Few origins are reached by more than one way: comparing tells those apart.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.origin.hash(state);
    }
}

impl Route {
    /// Straight to the origin.
    pub const fn direct(origin: Origin) -> Self {
        Self { way: Way { origin, proxy: None }, falls_back: false }
    }

    /// By a tunnel through a proxy.
    pub const fn through(origin: Origin, proxy: ProxyUrl) -> Self {
        Self { way: Way { origin, proxy: Some(proxy) }, falls_back: false }
    }

    /// When the proxy itself fails (not the origin behind it), shall the connection be made directly, once?
    /// The proxy then gets at most half of the time to connect, so that some is left.
    #[must_use]
    pub fn fallback_to_direct(self, falls_back: bool) -> Self {
        Self { falls_back, ..self }
    }

    /// Where it leads to.
    pub const fn origin(&self) -> &Origin {
        &self.way.origin
    }

    /// The proxy before the origin.
    pub const fn proxy(&self) -> Option<&ProxyUrl> {
        self.way.proxy.as_ref()
    }

    /// The same origin without the proxy, if going there is allowed when the proxy fails.
    pub(super) fn way_round(&self) -> Option<Way> {
        let avoids = self.falls_back && self.way.proxy.is_some();
        avoids.then(|| Way { origin: self.way.origin.clone(), proxy: None })
    }
}

impl From<&Origin> for Route {
    fn from(origin: &Origin) -> Self {
        Self::direct(origin.clone())
    }
}

impl From<&Route> for Route {
    fn from(route: &Route) -> Self {
        route.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_ports_are_left_out_and_addresses_bracketed() {
        let header = |https, host, port| Origin::new(https, host, port).host_header();
        assert_eq!(header(true, "a.example", 443), "a.example");
        assert_eq!(header(true, "a.example", 80), "a.example:80");
        assert_eq!(header(false, "::1", 80), "[::1]");
        assert_eq!(Origin::new(true, "::1", 443).authority(), "[::1]:443");
    }
}
