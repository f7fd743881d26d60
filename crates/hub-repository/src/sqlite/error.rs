//! SQLite's errors in the repository's words. Messages name tables and columns, never values.

use rusqlite::{Error, ErrorCode};

use crate::RepositoryError;

pub(super) fn translate(error: Error) -> RepositoryError {
    let Error::SqliteFailure(failure, message) = error else {
        return RepositoryError::Database("a statement or a row is not of the expected form".to_owned());
    };
    let message = message.unwrap_or_default();
    match failure.code {
        ErrorCode::ConstraintViolation if message.starts_with("UNIQUE") => {
            RepositoryError::Duplicate { field: field_of(&message) }
        }
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::OperationInterrupted => RepositoryError::Unavailable(failure.to_string()),
        _ => RepositoryError::Database(format!("{failure} ({message})")),
    }
}

/// `UNIQUE constraint failed: keys.user_id, keys.name`: the last column is the one that people choose.
fn field_of(message: &str) -> &'static str {
    match message.rsplit('.').next() {
        Some("key_hash") => "key_hash",
        Some("token_hash") => "token_hash",
        _ => "name",
    }
}
