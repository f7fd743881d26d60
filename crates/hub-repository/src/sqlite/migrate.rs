//! Bringing the schema of a file up to date, one process at a time.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::translate;
use crate::sql::Result;
use crate::{RepositoryError, SchemaState};

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite");
}

pub(super) fn run(path: &Path, auto_migrate: bool) -> Result<()> {
    let unavailable =
        |error: std::io::Error| RepositoryError::Unavailable(format!("{}: {error}", path.display()));
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(unavailable)?;
    }
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(unavailable)?;
    let mut connection = Connection::open(path).map_err(translate)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(translate)?;
    if !state(&connection)?.needs_migration(auto_migrate)? {
        return Ok(());
    }
    // SQLite has no advisory locks, and each migration is a transaction of its own: a file beside the database
    // keeps a second process waiting until all of them are done.
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.with_added_extension("migrating"))
        .map_err(unavailable)?;
    lock.lock().map_err(unavailable)?;
    if state(&connection)?.needs_migration(auto_migrate)? {
        connection.pragma_update(None, "journal_mode", "WAL").map_err(translate)?;
        embedded::migrations::runner()
            .run(&mut connection)
            .map_err(|error| RepositoryError::Database(format!("a migration failed: {error}")))?;
    }
    Ok(())
}

pub(super) fn check(path: &Path) -> Result<SchemaState> {
    if !path.exists() {
        return Ok(SchemaState { found: 0, known: known() });
    }
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(translate)?;
    state(&connection)
}

fn known() -> i64 {
    embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()))
        .max()
        .unwrap_or(0)
}

fn state(connection: &Connection) -> Result<SchemaState> {
    let table =
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'refinery_schema_history'";
    let has_history: i64 = connection.query_row(table, [], |row| row.get(0)).map_err(translate)?;
    let found = if has_history == 0 {
        0
    } else {
        let version = "SELECT COALESCE(MAX(version), 0) FROM refinery_schema_history";
        connection.query_row(version, [], |row| row.get(0)).map_err(translate)?
    };
    Ok(SchemaState { found, known: known() })
}
