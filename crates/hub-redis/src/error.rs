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
            _ => Self::Refused(error.details().to_owned()),
        }
    }
}
