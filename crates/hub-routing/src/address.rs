//! Which addresses the hub may call as providers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;
use url::{Host, Url};

/// The URL or address may not be used as a provider's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlRefused {
    /// It does not parse.
    #[error("not a URL: {0}")]
    Malformed(url::ParseError),
    /// Neither http nor https.
    #[error("a provider URL begins with http:// or https://")]
    Scheme,
    /// It has a user name or password in it.
    #[error("a provider URL has no user name or password in it: use the credential field")]
    Credentials,
    /// Refused always.
    #[error("{0} is an unspecified, link-local, multicast or cloud metadata address")]
    Forbidden(String),
    /// Refused where private networks are closed.
    #[error("{0} is a loopback or private address, and ALLOW_PRIVATE_UPSTREAMS is off")]
    Private(String),
}

/// Parses a provider's URL and checks what its text tells. A name's addresses have to be checked with
/// [`check_address`] when it is resolved.
pub fn check_provider_url(text: &str, allow_private: bool) -> Result<Url, UrlRefused> {
    let url = Url::parse(text.trim()).map_err(UrlRefused::Malformed)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlRefused::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefused::Credentials);
    }
    match url.host() {
        Some(Host::Ipv4(address)) => check_address(address.into(), allow_private)?,
        Some(Host::Ipv6(address)) => check_address(address.into(), allow_private)?,
        Some(Host::Domain(name)) => check_name(name, allow_private)?,
        None => return Err(UrlRefused::Malformed(url::ParseError::EmptyHost)),
    }
    Ok(url)
}

fn check_name(name: &str, allow_private: bool) -> Result<(), UrlRefused> {
    let bare = name.trim_end_matches('.').to_ascii_lowercase();
    if matches!(bare.as_str(), "metadata" | "metadata.google.internal" | "instance-data.ec2.internal") {
        return Err(UrlRefused::Forbidden(name.to_owned()));
    }
    if !allow_private && (bare == "localhost" || bare.ends_with(".localhost")) {
        return Err(UrlRefused::Private(name.to_owned()));
    }
    Ok(())
}

/// Checks an address that is about to be connected to.
pub fn check_address(address: IpAddr, allow_private: bool) -> Result<(), UrlRefused> {
    let embedded = match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(address) => embedded_v4(address),
    };
    let (forbidden, private) = match (embedded, address) {
        (Some(v4), _) => (is_forbidden_v4(v4), is_private_v4(v4)),
        (None, IpAddr::V6(v6)) => (is_forbidden_v6(v6), is_private_v6(v6)),
        (None, IpAddr::V4(_)) => (true, true),
    };
    if forbidden {
        return Err(UrlRefused::Forbidden(address.to_string()));
    }
    if private && !allow_private {
        return Err(UrlRefused::Private(address.to_string()));
    }
    Ok(())
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0..=1] => None,
        [0, 0, 0, 0, 0, 0 | 0xFFFF, high, low]
        | [0x64, 0xFF9B, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => from(high, low),
        _ => None,
    }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    // The metadata servers of Alibaba, Azure and Oracle; the others' is link-local.
    const METADATA: [[u8; 4]; 3] = [[100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192]];
    address.octets()[0] == 0
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || METADATA.contains(&address.octets())
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_loopback() || address.is_private() || (first == 100 && second & 0xC0 == 64)
}

fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    // Amazon's metadata server is inside the private range.
    const METADATA: [u16; 8] = [0xFD00, 0xEC2, 0, 0, 0, 0, 0, 0x254];
    address.is_unspecified()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || address.segments() == METADATA
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.segments()[0] & 0xFFC0 == 0xFEC0
}
