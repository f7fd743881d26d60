//! What is particular about PostgreSQL: migrations side by side, partitions, a server that goes away.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub_repository::{
    Change, PostgresRepository, PostgresSettings, Repository, RepositoryError, SchemaState, Sealer, Topic,
};
use hub_testkit::{Postgres, TestDatabase};
use hub_types::Secret;
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, NoTls};

use crate::conformance::Place;
use crate::stock::{Facts, at, audit, record, user};

pub(crate) struct OnServer {
    database: TestDatabase,
}

impl OnServer {
    pub(crate) async fn new() -> Self {
        Self { database: Postgres::shared().await.unwrap().fresh_database().await.unwrap() }
    }

    fn settings(&self, master_key: [u8; 32]) -> PostgresSettings {
        settings(&self.database.dsn, master_key)
    }

    async fn client(&self) -> Client {
        client(&self.database.dsn).await
    }
}

fn settings(dsn: &str, master_key: [u8; 32]) -> PostgresSettings {
    let settings = PostgresSettings::new(Secret::new(dsn), Sealer::new(master_key));
    PostgresSettings { pool_max: 4, ..settings }
}

async fn client(dsn: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(dsn, NoTls).await.unwrap();
    // The runtime of the test ends it.
    tokio_util::task::TaskTracker::new().spawn(connection);
    client
}

#[async_trait]
impl Place for OnServer {
    async fn open(&self, master_key: [u8; 32]) -> Arc<dyn Repository> {
        Arc::new(PostgresRepository::connect(self.settings(master_key)).await.unwrap())
    }

    async fn stored_bytes(&self) -> Vec<u8> {
        let client = self.client().await;
        client.batch_execute("CHECKPOINT").await.unwrap();
        let place = "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database
            WHERE datname = current_database()";
        let directory: String = client.query_one(place, &[]).await.unwrap().get(0);
        fs::read_dir(directory).unwrap().flat_map(|item| fs::read(item.unwrap().path()).unwrap()).collect()
    }

    async fn number(&self, sql: &str) -> i64 {
        self.client().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn run(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_migrate_at_once_and_again() {
    let server = OnServer::new().await;
    let state = PostgresRepository::check(&server.settings([0; 32])).await.unwrap();
    assert_eq!(state, SchemaState { found: 0, known: 3 });
    let opened = (0..5).map(|_| PostgresRepository::connect(server.settings([0; 32])));
    for repository in futures_util::future::join_all(opened).await {
        let repository = repository.unwrap();
        assert_eq!(repository.schema_version().await.unwrap(), 3);
        repository.close().await;
    }
    assert_eq!(server.number("SELECT COUNT(*) FROM refinery_schema_history").await, 3);
    assert!(PostgresRepository::check(&server.settings([0; 32])).await.unwrap().is_current());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_an_older_one_unless_it_may_be_migrated() {
    let server = OnServer::new().await;
    let frozen = PostgresSettings { auto_migrate: false, ..server.settings([0; 32]) };
    let outcome = PostgresRepository::connect(frozen).await.map(|_| ());
    assert!(matches!(outcome, Err(RepositoryError::SchemaTooOld { found: 0, needed: 3 })), "{outcome:?}");
    PostgresRepository::connect(server.settings([0; 32])).await.unwrap().close().await;
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
        VALUES (7, 'later', '2026-01-01T00:00:00Z', '1')";
    server.client().await.batch_execute(newer).await.unwrap();
    let outcome = PostgresRepository::connect(server.settings([0; 32])).await.map(|_| ());
    assert!(matches!(outcome, Err(RepositoryError::SchemaTooNew { found: 7, known: 3 })), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_month_has_its_partition_unless_the_default_one_was_first() {
    let server = OnServer::new().await;
    let repository = PostgresRepository::connect(server.settings([0; 32])).await.unwrap();
    // As if an earlier hub had not been able to make December's partition.
    let stray = "INSERT INTO requests (id, created_at, dialect, endpoint, stream, outcome, status, duration_us, detail)
        VALUES (gen_random_uuid(), '2026-12-05', 'claude', 'generate', false, 'completed', 200, 1, '{}')";
    server.client().await.batch_execute(stray).await.unwrap();
    let november = record(Facts::default());
    let december = record(Facts { seconds: 15 * 86_400, ..Facts::default() });
    for record in [&november, &december, &record(Facts { seconds: 16 * 86_400, ..Facts::default() })] {
        assert_eq!(repository.write_records(std::slice::from_ref(record)).await.unwrap().records, 1);
    }
    assert_eq!(server.number("SELECT COUNT(*) FROM requests_2026_11").await, 1);
    assert_eq!(server.number("SELECT COUNT(*) FROM requests_default").await, 3);
    repository.close().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable_and_the_dsn_stays_secret() {
    for dsn in ["postgres://hub:very-secret@127.0.0.1:1/hub", "postgres://hub:very-secret@127.0.0.1:port/hub"]
    {
        let outcome = PostgresRepository::connect(settings(dsn, [0; 32])).await.map(|_| ());
        let error = outcome.unwrap_err();
        assert!(
            !format!("{error} {error:?} {:?}", settings(dsn, [0; 32])).contains("very-secret"),
            "{error}"
        );
    }
    let away = PostgresRepository::connect(settings("postgres://hub:x@127.0.0.1:1/hub", [0; 32])).await;
    assert!(matches!(away.map(|_| ()), Err(RepositoryError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_while_the_server_was_away_is_told_afterwards() {
    let server = Postgres::start().await.unwrap();
    let dsn = server.dsn();
    let watcher = PostgresRepository::connect(settings(&dsn, [0; 32])).await.unwrap();
    let mut changes = watcher.changes();
    watcher.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    assert_eq!(changes.recv().await.unwrap(), Change { topic: Topic::Access, version: 1 });
    server.stop().await.unwrap();
    let down = watcher.insert_user(&user("bob"), audit("user.create", "user:")).await;
    assert!(matches!(down, Err(RepositoryError::Unavailable(_))), "{down:?}");
    assert!(matches!(watcher.ping().await, Err(RepositoryError::Unavailable(_))));
    server.start_again().await.unwrap();
    // An edit that sends no notice: only the comparison after connecting again finds it.
    client(&dsn)
        .await
        .batch_execute("UPDATE change_versions SET version = 5 WHERE topic = 'access'")
        .await
        .unwrap();
    let told = timeout(Duration::from_secs(10), changes.recv()).await.expect("told").unwrap();
    assert_eq!(told, Change { topic: Topic::Access, version: 5 });
    watcher.insert_user(&user("bob"), audit("user.create", "user:")).await.unwrap();
    watcher.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_costs_no_more_than_the_deadline() {
    let server = Postgres::start().await.unwrap();
    let short = PostgresSettings { deadline: Duration::from_secs(1), ..settings(&server.dsn(), [0; 32]) };
    let repository = PostgresRepository::connect(short).await.unwrap();
    repository.ping().await.unwrap();
    server.freeze().unwrap();
    let begun = Instant::now();
    let outcome = repository.load_catalogue().await.map(|_| ());
    assert!(matches!(outcome, Err(RepositoryError::Unavailable(_))), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    server.thaw().unwrap();
    repository.ping().await.unwrap();
    repository.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_call_leaves_no_transaction_behind() {
    let server = OnServer::new().await;
    let repository = PostgresRepository::connect(server.settings([0; 32])).await.unwrap();
    for round in 0..60 {
        let new = user(&format!("user-{round}"));
        let insert = repository.insert_user(&new, audit("user.create", "user:"));
        // Dropped wherever it is by then.
        let _ = timeout(Duration::from_micros(round * 150), insert).await;
    }
    repository.delete_user(hub_types::UserId(-1), at(0), audit("user.delete", "user:")).await.unwrap_err();
    repository.insert_user(&user("last"), audit("user.create", "user:")).await.unwrap();
    let users = server.number("SELECT COUNT(*) FROM users").await;
    assert_eq!(server.number("SELECT COUNT(*) FROM audit_log").await, users);
    assert_eq!(server.number("SELECT version FROM change_versions WHERE topic = 'access'").await, users);
    repository.close().await;
}
