//! PostgreSQL's errors in the repository's words, without the values that its messages may hold.

use deadpool_postgres::PoolError;
use tokio_postgres::error::{DbError, SqlState};

use crate::RepositoryError;

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
pub(super) fn translate(error: tokio_postgres::Error) -> RepositoryError {
    match error.as_db_error() {
        Some(error) => of_database(error),
        None if error.is_closed() => RepositoryError::Unavailable("the connection broke".to_owned()),
        None => {
            // What the driver itself says (no route, refused, TLS) names hosts at most; values it shows never.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let text = cause.unwrap_or_else(|| error.to_string());
            if error.to_string().starts_with("error serializing")
                || error.to_string().starts_with("error deserializing")
            {
                return RepositoryError::Database("a value is not of the column's type".to_owned());
            }
            RepositoryError::Unavailable(text)
        }
    }
}

pub(super) fn translate_pool(error: PoolError) -> RepositoryError {
    match error {
        PoolError::Backend(error) => translate(error),
        PoolError::Timeout(_) => RepositoryError::Unavailable("no connection in time".to_owned()),
        PoolError::Closed => RepositoryError::Unavailable("the database is closed".to_owned()),
        _ => RepositoryError::Unavailable("no connection".to_owned()),
    }
}

fn of_database(error: &DbError) -> RepositoryError {
    let code = error.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        return RepositoryError::Duplicate { field: field_of(error.constraint().unwrap_or_default()) };
    }
    let class = code.code().get(..2).unwrap_or_default();
    let passing = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    // 08: connection, 28 and 3D: log-in, 53: resources, 57: the operator, 58: the system.
    if ["08", "28", "3D", "53", "57", "58"].contains(&class) || passing.contains(code) {
        return RepositoryError::Unavailable(format!("{} (SQLSTATE {})", error.message(), code.code()));
    }
    // 42: the statement does not fit the schema; the message names tables and columns.
    let detail =
        if class == "42" { error.message() } else { error.constraint().or(error.column()).unwrap_or("") };
    RepositoryError::Database(format!("SQLSTATE {} {detail}", code.code()).trim_end().to_owned())
}

fn field_of(constraint: &str) -> &'static str {
    match constraint {
        "keys_key_hash" => "key_hash",
        "login_sessions_pkey" => "token_hash",
        _ => "name",
    }
}
