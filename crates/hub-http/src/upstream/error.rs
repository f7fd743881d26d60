//! What goes wrong on the way to an upstream and back.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why there is no connection. Whether the proxy is to blame or what is behind it, [`ConnectError::is_proxy`]
/// tells.
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
    Tcp(io::ErrorKind),
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("no TLS connection to the upstream ({0})")]
    Tls(String),
    /// All of it took too long.
    #[error("connecting to the upstream took longer than {0:?}")]
    TimedOut(Duration),
    /// The proxy works, and says that it can't reach the upstream.
    #[error("the proxy could not reach the upstream ({0})")]
    Unreachable(String),
    /// The proxy itself failed.
    #[error(transparent)]
    Proxy(#[from] ProxyFailure),
}

impl ConnectError {
    /// True if the proxy failed, and nothing is known about the upstream behind it.
    pub const fn is_proxy(&self) -> bool {
        matches!(self, Self::Proxy(_))
    }
}

/// How a proxy failed. Messages hold no URL and no login.
#[derive(Debug, Error)]
pub enum ProxyFailure {
    /// The proxy's name is unknown, or DNS is away.
    #[error("the proxy's name could not be resolved")]
    Dns,
    /// The proxy's address is in a range that is not to be connected to.
    #[error("the proxy's address is in a refused range")]
    AddressRefused,
    /// Nobody listens there, or the network is down.
    #[error("the proxy could not be connected to ({0})")]
    Tcp(io::ErrorKind),
    /// The proxy's certificate is not trusted, or TLS with it failed otherwise.
    #[error("no TLS connection to the proxy ({0})")]
    Tls(String),
    /// User name or password are wrong, or missing.
    #[error("the proxy refused the login")]
    Login,
    /// The proxy does not do this, whoever asks.
    #[error("the proxy refused to connect ({0})")]
    Refused(String),
    /// It hung up in the middle of the hand-shake.
    #[error("the proxy closed the connection")]
    Closed,
    /// What it says is not what a proxy of its kind says.
    #[error("the proxy answered something else than {0}")]
    Malformed(&'static str),
    /// It took too long, with what it has to reach included.
    #[error("the proxy made no connection within {0:?}")]
    TimedOut(Duration),
}

/// A failed exchange. Messages hold no URL and no credential.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection ended before an answer began, or the upstream did not take the request.
    #[error("the connection was closed before an answer came")]
    ClosedBeforeAnswer,
    /// What came is not HTTP.
    #[error("the answer is not valid HTTP")]
    Malformed,
    /// The answer broke off.
    #[error("the connection broke in the middle of the answer")]
    Broken,
}

impl UpstreamError {
    /// True if the connection ended before any byte of an answer: on a connection from the pool, the usual
    /// sign that the server had closed it while it was idle.
    pub const fn is_stale_connection(&self) -> bool {
        matches!(self, Self::ClosedBeforeAnswer)
    }

    /// True if the rule on addresses stood in the way, the upstream's or the proxy's: asking again helps nobody.
    pub const fn is_refused_address(&self) -> bool {
        matches!(
            self,
            Self::Connect(ConnectError::AddressRefused | ConnectError::Proxy(ProxyFailure::AddressRefused))
        )
    }

    pub(super) fn before_answer(error: &hyper::Error) -> Self {
        if error.is_parse() { Self::Malformed } else { Self::ClosedBeforeAnswer }
    }
}
