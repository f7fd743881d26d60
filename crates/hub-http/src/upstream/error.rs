//! What goes wrong on the way to an upstream and back.

use thiserror::Error;

use super::ConnectError;

/// A failed exchange. Messages hold no URL and no credential.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection ended before an answer began.
    #[error("the connection was closed before an answer came")]
    ClosedBeforeAnswer,
    /// What came is not HTTP/1.1.
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

    pub(super) fn before_answer(error: &hyper::Error) -> Self {
        if error.is_parse() { Self::Malformed } else { Self::ClosedBeforeAnswer }
    }
}
