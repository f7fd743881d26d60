//! Bringing the schema up to date, one process at a time.

use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::connect::{Driver, Target};
use super::translate;
use crate::sql::Result;
use crate::{RepositoryError, SchemaState};

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres");
}

/// The advisory lock of migrations: a number that nothing else uses.
const LOCK: i64 = 0x6875_625f_6d69_6772;

pub(super) async fn run(target: &Target, auto_migrate: bool) -> Result<()> {
    on_connection(target, async |client| {
        if !state(client).await?.needs_migration(auto_migrate)? {
            return Ok(());
        }
        // Waiting for another hub's migration, and migrating a large table, may take its time.
        client.batch_execute("SET statement_timeout = 0").await.map_err(translate)?;
        client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(translate)?;
        let outcome = migrate(client, auto_migrate).await;
        client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(translate)?;
        outcome
    })
    .await
}

async fn migrate(client: &mut Client, auto_migrate: bool) -> Result<()> {
    // Looked at again under the lock: somebody else may have been first.
    if state(client).await?.needs_migration(auto_migrate)? {
        embedded::migrations::runner()
            .run_async(client)
            .await
            .map_err(|error| RepositoryError::Database(format!("a migration failed: {error}")))?;
    }
    Ok(())
}

pub(super) async fn check(target: &Target) -> Result<SchemaState> {
    on_connection(target, async |client| state(client).await).await
}

/// Runs work on a connection of its own, which ends with it.
async fn on_connection<T>(target: &Target, work: impl AsyncFnOnce(&mut Client) -> Result<T>) -> Result<T> {
    let (notified, _) = mpsc::channel(1);
    let (mut client, driver): (Client, Driver) = target.connect(notified).await?;
    tokio::select! {
        outcome = work(&mut client) => outcome,
        () = driver => Err(RepositoryError::Unavailable("the connection broke".to_owned())),
    }
}

async fn state(client: &Client) -> Result<SchemaState> {
    let known = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()))
        .max()
        .unwrap_or(0);
    let table = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    let has_history: bool =
        client.query_one(table, &[]).await.and_then(|row| row.try_get(0)).map_err(translate)?;
    let found = if has_history {
        let version = "SELECT COALESCE(MAX(version), 0)::bigint FROM refinery_schema_history";
        client.query_one(version, &[]).await.and_then(|row| row.try_get(0)).map_err(translate)?
    } else {
        0
    };
    Ok(SchemaState { found, known })
}
