//! Why Redis did not answer.

use std::time::Duration;

use fred::error::{Error, ErrorKind};
use thiserror::Error;

/// A command, or the making of a connection, did not work. The texts hold no credentials.
#[derive(Debug, Error)]
pub enum RedisError {
    /// The address asks for TLS, and the caller gave no TLS configuration.
    #[error("the address asks for TLS, and no TLS configuration was given")]
    TlsConfigMissing,
    /// No answer in time. The command may have been, or may yet be, executed.
    #[error("Redis did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// There is no connection at the moment; the command was not sent.
    #[error("Redis is not reachable: {0}")]
    Unreachable(String),
    /// Redis has been too slow lately and is left alone for a moment; the command was not sent.
    #[error("Redis was too slow lately and is skipped for a moment")]
    Skipped,
    /// Redis refused the credentials or the command, or answered something unexpected.
    #[error("Redis refused: {0}")]
    Refused(String),
}

impl RedisError {
    /// Did Redis itself say this?
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    pub(crate) fn from_client(error: &Error, deadline: Duration) -> Self {
        match error.kind() {
            ErrorKind::Timeout => Self::Timeout(deadline),
            ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Backpressure | ErrorKind::Routing => {
                Self::Unreachable(error.details().to_owned())
            }
            // The kind of what Redis says in a way the library does not know, and of troubles of its own, such
            // as having no connection to send a command on.
            ErrorKind::Unknown if !has_code(error.details()) => Self::Unreachable(error.details().to_owned()),
            _ => Self::Refused(error.details().to_owned()),
        }
    }
}

/// What Redis says begins with a code in capitals, such as `ERR` or `NOSCRIPT`.
fn has_code(text: &str) -> bool {
    let code = text.split(' ').next().unwrap_or_default();
    code.len() > 1 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_says_is_told_from_what_the_library_says() {
        let read =
            |kind, text: &'static str| RedisError::from_client(&Error::new(kind, text), Duration::ZERO);
        for said in ["ERR syntax error", "NOSCRIPT No matching script.", "BUSY", "LOADING it"] {
            assert!(read(ErrorKind::Unknown, said).is_answer(), "{said}");
        }
        assert!(read(ErrorKind::Auth, "NOAUTH Authentication required.").is_answer());
        for own in ["Failed to route command.", "Client is not initialized.", "A problem", ""] {
            assert!(matches!(read(ErrorKind::Unknown, own), RedisError::Unreachable(_)), "{own}");
        }
        assert!(matches!(read(ErrorKind::Timeout, "late"), RedisError::Timeout(_)));
        assert!(matches!(read(ErrorKind::Canceled, "closed"), RedisError::Unreachable(_)));
    }
}
