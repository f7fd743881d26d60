//! What is particular about SQLite: the file, its schema, its lock.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use hub_repository::{Repository, RepositoryError, SchemaState, Sealer, SqliteRepository, SqliteSettings};
use tempfile::TempDir;

use crate::conformance::Place;
use crate::stock::{audit, user};

pub(crate) struct InFile(TempDir);

impl InFile {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("data").join("hub.db")
    }

    pub(crate) fn settings(&self, master_key: [u8; 32]) -> SqliteSettings {
        SqliteSettings::new(self.path(), Sealer::new(master_key))
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

#[async_trait]
impl Place for InFile {
    async fn open(&self, master_key: [u8; 32]) -> Arc<dyn Repository> {
        Arc::new(SqliteRepository::open(self.settings(master_key)).await.unwrap())
    }

    async fn stored_bytes(&self) -> Vec<u8> {
        let directory = self.path().parent().unwrap().to_owned();
        fs::read_dir(directory).unwrap().flat_map(|item| fs::read(item.unwrap().path()).unwrap()).collect()
    }

    async fn number(&self, sql: &str) -> i64 {
        self.connection().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    async fn run(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_migrate_at_once_and_again() {
    let file = InFile::new();
    assert_eq!(SqliteRepository::check(&file.path()).await.unwrap(), SchemaState { found: 0, known: 3 });
    let opened =
        futures_util::future::join_all((0..6).map(|_| SqliteRepository::open(file.settings([0; 32])))).await;
    for repository in opened {
        let repository = repository.unwrap();
        assert_eq!(repository.schema_version().await.unwrap(), 3);
        repository.close().await;
    }
    SqliteRepository::open(file.settings([0; 32])).await.unwrap().close().await;
    assert!(SqliteRepository::check(&file.path()).await.unwrap().is_current());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_an_older_one_unless_it_may_be_migrated() {
    let file = InFile::new();
    let settings = SqliteSettings { auto_migrate: false, ..file.settings([0; 32]) };
    let outcome = SqliteRepository::open(settings).await.map(|_| ());
    assert!(matches!(outcome, Err(RepositoryError::SchemaTooOld { found: 0, needed: 3 })), "{outcome:?}");
    SqliteRepository::open(file.settings([0; 32])).await.unwrap().close().await;
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (7, 'later', '2026-01-01T00:00:00Z', '1')";
    file.connection().execute(newer, []).unwrap();
    let outcome = SqliteRepository::open(file.settings([0; 32])).await.map(|_| ());
    assert!(matches!(outcome, Err(RepositoryError::SchemaTooNew { found: 7, known: 3 })), "{outcome:?}");
}

#[tokio::test]
async fn a_place_that_can_not_be_written_is_unavailable() {
    let settings = SqliteSettings::new("/dev/null/hub.db", Sealer::new([0; 32]));
    let outcome = SqliteRepository::open(settings).await.map(|_| ());
    assert!(matches!(outcome, Err(RepositoryError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_call_leaves_no_transaction_behind() {
    let file = InFile::new();
    let repository = SqliteRepository::open(file.settings([0; 32])).await.unwrap();
    for round in 0..50 {
        let name = format!("user-{round}");
        let new = user(&name);
        let insert = repository.insert_user(&new, audit("user.create", "user:"));
        // Polled a few times at most, then dropped wherever it is.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(round * 20), insert).await;
    }
    repository.insert_user(&user("last"), audit("user.create", "user:")).await.unwrap();
    repository.close().await;
    let rows: i64 = file.connection().query_row("SELECT COUNT(*) FROM users", [], |row| row.get(0)).unwrap();
    let audits: i64 =
        file.connection().query_row("SELECT COUNT(*) FROM audit_log", [], |row| row.get(0)).unwrap();
    let version = "SELECT version FROM change_versions WHERE topic = 'access'";
    let version: i64 = file.connection().query_row(version, [], |row| row.get(0)).unwrap();
    assert_eq!((rows, rows), (audits, version), "each edit is there whole or not at all");
}
