//! What can go wrong with a database, as far as callers treat it differently.

use thiserror::Error;

/// A failed call. `Display` is for logs and for operators; it never holds a credential or a DSN.
#[derive(Debug, Error)]
pub enum RepositoryError {
    /// The database can't be reached or did not answer in time: trying later may help.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A unique rule is broken; `field` names the column.
    #[error("another row has the same {field}")]
    Duplicate {
        /// The column.
        field: &'static str,
    },
    /// The row changed since it was read.
    #[error("the row was changed by somebody else meanwhile: read it again")]
    Conflict,
    /// No living row has this id.
    #[error("no such row")]
    NotFound,
    /// The schema was made by a newer version of the hub.
    #[error(
        "the database schema is at version {found}, but this binary knows only {known}: run a newer hub-server"
    )]
    SchemaTooNew {
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// The schema is older than the binary and may not be migrated (`AUTO_MIGRATE=false`).
    #[error("the database schema is at version {found}, this binary needs {needed}: run `hub-admin migrate`")]
    SchemaTooOld {
        /// The version found.
        found: i64,
        /// The version needed.
        needed: i64,
    },
    /// A stored credential can't be opened with this master key.
    #[error("a stored credential can't be opened: is MASTER_KEY the one it was sealed with?")]
    Unsealable,
    /// A stored value makes no sense, or the database refused a statement.
    #[error("the database said: {0}")]
    Database(String),
}
