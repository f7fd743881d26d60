//! Why the hub does not start.

use thiserror::Error;

use hub_config::secrets::SecretError;
use hub_repository::RepositoryError;
use hub_repository::journal::JournalError;

/// Each of these ends the start with a message for the operator.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data directory can't be used.
    #[error("the data directory {directory} can't be used: {source}")]
    DataDir {
        /// Which one.
        directory: String,
        /// Why.
        source: std::io::Error,
    },
    /// The admin token or the master key can't be read or made.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database can't be opened.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The journal can't be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The Redis address makes no sense.
    #[error("REDIS_URL can't be used: {0}")]
    Redis(String),
    /// The listener does not work.
    #[error("the listener can't be used: {0}")]
    Listen(std::io::Error),
}
