//! Who is on the other end: the address behind trusted proxies, and the program by its user agent.

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

use hub_types::ClientInfo;

/// The client's address: the socket's peer or, behind a trusted proxy, what that proxy says.
///
/// `X-Forwarded-For` is read from the right: the first address that is not a trusted proxy is the client.
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let peer = peer.to_canonical();
    if !is_trusted(&peer) {
        return peer;
    }
    let mut hops: Vec<IpAddr> = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        let Ok(list) = value.to_str() else { return peer };
        for hop in list.split(',') {
            let Ok(hop) = hop.trim().parse::<IpAddr>() else { return peer };
            hops.push(hop.to_canonical());
        }
    }
    if hops.is_empty() {
        let real =
            headers.get("x-real-ip").and_then(|value| value.to_str().ok()?.trim().parse::<IpAddr>().ok());
        return real.map_or(peer, |address| address.to_canonical());
    }
    hops.iter().rev().find(|hop| !is_trusted(hop)).or(hops.first()).copied().unwrap_or(peer)
}

/// `claude-cli/2.1.329 (external, cli)` → `claude-cli`, `2.1.329`.
pub(crate) fn program(headers: &HeaderMap) -> ClientInfo {
    let agent =
        headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let product = agent.split([' ', '(']).next().unwrap_or_default();
    let (name, version) = product.split_once('/').unwrap_or((product, ""));
    let kept = |text: &str| (!text.is_empty()).then(|| text.chars().take(64).collect());
    ClientInfo { name: kept(name), version: kept(version) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(forwarded) = forwarded {
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        }
        let trusted = ["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(seen("203.0.113.9", Some("198.51.100.1")), "203.0.113.9");
        assert_eq!(seen("127.0.0.1", Some("198.51.100.1")), "198.51.100.1");
        assert_eq!(seen("::ffff:127.0.0.1", Some("198.51.100.1")), "198.51.100.1");
    }

    #[test]
    fn a_client_can_not_prepend_an_address_of_its_choice() {
        assert_eq!(seen("127.0.0.1", Some("1.1.1.1, 198.51.100.1, 10.0.0.3")), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", Some("nonsense, 198.51.100.1")), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", None), "127.0.0.1");
    }

    #[test]
    fn the_program_is_the_first_product_of_the_user_agent() {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", "claude-cli/2.1.329 (external, sdk-cli)".parse().unwrap());
        let client = program(&headers);
        assert_eq!(
            (client.name.as_deref(), client.version.as_deref()),
            (Some("claude-cli"), Some("2.1.329"))
        );
    }
}
