//! The URL of a proxy: scheme, address, login. Whoever saves one and whoever uses one hold it against the same
//! rules here.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::{Host, Url};

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// `http://`: CONNECT in plain text.
    Http,
    /// `https://`: CONNECT within TLS.
    Https,
    /// `socks5://`: the hub resolves the origin's name and hands on an address.
    Socks5,
    /// `socks5h://`: the proxy resolves the origin's name.
    Socks5h,
}

impl ProxyScheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    const fn usual_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    /// SOCKS5, wherever names are resolved?
    pub const fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }
}

/// A proxy: `http://`, `https://`, `socks5://` or `socks5h://`, then `user:password@` if it wants a login
/// (percent-encoded where they hold special characters), host, and port if it is not the usual one (80, 443,
/// 1080). Cheap to clone; neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyUrl(Arc<Parts>);

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    scheme: ProxyScheme,
    /// Without brackets.
    host: String,
    port: u16,
    login: Option<ProxyLogin>,
}

/// User name and password, decoded.
#[derive(PartialEq, Eq, Hash)]
pub struct ProxyLogin {
    /// Not empty.
    pub user: Vec<u8>,
    /// May be empty.
    pub password: Vec<u8>,
}

/// Why a text is no proxy URL. The messages never repeat the text: there may be a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProxyUrlError {
    /// Nothing before `://`, or something that is not known.
    #[error("must begin with http://, https://, socks5:// or socks5h://")]
    Scheme,
    /// It does not parse.
    #[error("is not a URL")]
    Malformed,
    /// Where is it?
    #[error("names no host")]
    NoHost,
    /// A path or query would be ignored: it is a mistake.
    #[error("must end after the host and port")]
    Surplus,
    /// It does not fit the protocol.
    #[error("has a user name or password that cannot be used: {0}")]
    Login(&'static str),
}

impl ProxyUrl {
    /// What it speaks.
    pub fn scheme(&self) -> ProxyScheme {
        self.0.scheme
    }

    /// Host name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port, which may be the usual one of the scheme.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// What to log in with, if it wants that.
    pub fn login(&self) -> Option<&ProxyLogin> {
        self.0.login.as_ref()
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let (scheme, _) = text.split_once("://").ok_or(ProxyUrlError::Scheme)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyScheme::Http,
            "https" => ProxyScheme::Https,
            "socks5" => ProxyScheme::Socks5,
            "socks5h" => ProxyScheme::Socks5h,
            _ => return Err(ProxyUrlError::Scheme),
        };
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => ProxyUrlError::NoHost,
            _ => ProxyUrlError::Malformed,
        })?;
        let host = match url.host() {
            Some(Host::Domain(name)) => percent_decode_str(name).decode_utf8_lossy().into_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        };
        if host.is_empty() {
            return Err(ProxyUrlError::NoHost);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyUrlError::Surplus);
        }
        let port = url.port().unwrap_or(scheme.usual_port());
        Ok(Self(Arc::new(Parts { scheme, host, port, login: ProxyLogin::of(&url, scheme)? })))
    }
}

impl ProxyLogin {
    fn of(url: &Url, scheme: ProxyScheme) -> Result<Option<Self>, ProxyUrlError> {
        if url.username().is_empty() && url.password().is_none() {
            return Ok(None);
        }
        let decode = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let login =
            Self { user: decode(url.username()), password: decode(url.password().unwrap_or_default()) };
        if login.user.is_empty() {
            return Err(ProxyUrlError::Login("a password needs a user name"));
        }
        if scheme.is_socks() && (login.user.len() > 255 || login.password.len() > 255) {
            return Err(ProxyUrlError::Login("SOCKS takes at most 255 bytes of each"));
        }
        if !scheme.is_socks() && login.user.contains(&b':') {
            return Err(ProxyUrlError::Login("HTTP allows no colon in the user name"));
        }
        Ok(Some(login))
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { scheme, host, port, login } = &*self.0;
        write!(f, "{}://{}", scheme.as_str(), if login.is_some() { "***@" } else { "" })?;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyLogin(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ProxyUrl, ProxyUrlError> {
        text.parse()
    }

    #[test]
    fn parts_are_found_and_logins_decoded() {
        for (text, scheme, host, port) in [
            ("http://p", ProxyScheme::Http, "p", 80),
            ("HTTPS://p.example/", ProxyScheme::Https, "p.example", 443),
            (" socks5://10.0.0.1 ", ProxyScheme::Socks5, "10.0.0.1", 1080),
            ("socks5h://[::1]:9", ProxyScheme::Socks5h, "::1", 9),
            ("http://p:80", ProxyScheme::Http, "p", 80),
        ] {
            let proxy = parse(text).unwrap();
            assert_eq!((proxy.scheme(), proxy.host(), proxy.port()), (scheme, host, port), "{text}");
            assert!(proxy.login().is_none());
        }
        let proxy = parse("socks5://us%40er:p%3A%2Fw%FF@p").unwrap();
        let login = proxy.login().unwrap();
        assert_eq!((login.user.as_slice(), login.password.as_slice()), (&b"us@er"[..], &b"p:/w\xFF"[..]));
        assert_eq!(parse("http://only@p").unwrap().login().unwrap().password, b"");
    }

    #[test]
    fn what_is_no_proxy_url_is_refused_with_a_reason() {
        let long = format!("socks5://u:{}@p", "x".repeat(256));
        for (text, error) in [
            ("p:1080", ProxyUrlError::Scheme),
            ("127.0.0.1:1080", ProxyUrlError::Scheme),
            ("", ProxyUrlError::Scheme),
            ("socks4://p", ProxyUrlError::Scheme),
            ("ftp://p", ProxyUrlError::Scheme),
            ("http://", ProxyUrlError::NoHost),
            ("socks5://", ProxyUrlError::NoHost),
            ("http://p:99999", ProxyUrlError::Malformed),
            ("http://p/path", ProxyUrlError::Surplus),
            ("socks5://p?x", ProxyUrlError::Surplus),
            ("http://:secret@p", ProxyUrlError::Login("a password needs a user name")),
            ("http://a%3Ab:c@p", ProxyUrlError::Login("HTTP allows no colon in the user name")),
            (&long, ProxyUrlError::Login("SOCKS takes at most 255 bytes of each")),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn no_form_of_it_shows_the_login() {
        let proxy = parse("http://someone:s3cret@p:8080").unwrap();
        assert_eq!(format!("{proxy} {proxy:?}"), "http://***@p:8080 ProxyUrl(http://***@p:8080)");
        assert_eq!(format!("{}", parse("socks5://[::1]").unwrap()), "socks5://[::1]:1080");
        assert_eq!(format!("{:?}", proxy.login().unwrap()), "ProxyLogin(***)");
    }

    #[test]
    fn proxies_with_different_logins_are_different() {
        assert_ne!(parse("http://a:b@p").unwrap(), parse("http://a:c@p").unwrap());
        assert_eq!(parse("http://a:b@p").unwrap(), parse("http://a:b@p:80/").unwrap());
    }
}
