//! PostgreSQL, version 14 or newer: the database of hubs that share one.
//!
//! A pool of connections that are checked before they are used, deadlines on everything, notices by
//! `LISTEN`/`NOTIFY`. Request records lie in a partition for each month, made when its first record comes.

mod connect;
mod error;
mod listen;
mod migrate;
mod partitions;
mod session;
mod value;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use hub_types::Secret;

use crate::sql::{Database, Engine, Mode, Notices, Parts, Result, Session, Value};
use crate::{RepositoryError, SchemaState, Sealer};
use connect::Target;
use error::{translate, translate_pool};
use session::PostgresSession;

/// How to reach a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host/database?sslmode=…`; never shown.
    pub dsn: Secret,
    /// At most so many connections, besides the one that listens.
    pub pool_max: usize,
    /// Bring an older schema up to date? Without it, an older schema is refused.
    pub auto_migrate: bool,
    /// Seals provider credentials.
    pub sealer: Sealer,
    /// Used when the DSN's `sslmode` asks for TLS. It always verifies what its roots let it verify.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Every call ends within this time (usually 10 s), every wait for a connection within half of it.
    pub deadline: Duration,
}

impl PostgresSettings {
    /// The usual settings for a DSN, without TLS.
    pub fn new(dsn: Secret, sealer: Sealer) -> Self {
        Self { dsn, pool_max: 10, auto_migrate: true, sealer, tls: None, deadline: Duration::from_secs(10) }
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("pool_max", &self.pool_max)
            .field("auto_migrate", &self.auto_migrate)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// A pool of connections.
pub struct Postgres {
    pool: Pool,
    /// Months whose partition is known to exist, or known to be impossible.
    months: Mutex<HashSet<(i16, i8)>>,
}

/// A [`crate::Repository`] in a PostgreSQL database.
pub type PostgresRepository = Engine<Postgres>;

impl Engine<Postgres> {
    /// Connects, migrates if asked to, and begins to listen for edits by other processes. Fails with
    /// `Unavailable` within the deadline if the database is away.
    pub async fn connect(settings: PostgresSettings) -> std::result::Result<Self, RepositoryError> {
        let target = Target::new(&settings)?;
        migrate::run(&target, settings.auto_migrate).await?;
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let manager = match target.rustls() {
            Some(tls) => Manager::from_config(target.config().clone(), tls, manager_config),
            None => Manager::from_config(target.config().clone(), tokio_postgres::NoTls, manager_config),
        };
        let pool = Pool::builder(manager)
            .max_size(settings.pool_max.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(settings.deadline / 2))
            .create_timeout(Some(settings.deadline / 2))
            .recycle_timeout(Some(Duration::from_secs(2)))
            .build()
            .map_err(|_| RepositoryError::Database("the connection pool can't be built".to_owned()))?;
        let notices = Arc::new(Notices::new());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        listen::start(target, notices.clone(), &tasks, stop.clone()).await?;
        let database = Postgres { pool, months: Mutex::new(HashSet::new()) };
        let PostgresSettings { sealer, deadline, .. } = settings;
        Ok(Self::new(Parts { database, sealer, notices, deadline, tasks, stop }))
    }

    /// Compares the schema with what this binary knows, without changing anything.
    pub async fn check(settings: &PostgresSettings) -> std::result::Result<SchemaState, RepositoryError> {
        migrate::check(&Target::new(settings)?).await
    }

    /// Ends the listening and closes all connections.
    pub async fn close(&self) {
        self.stop_tasks().await;
        self.database().pool.close();
    }
}

#[async_trait]
impl Database for Postgres {
    const KEEP_ROWS: &'static str = "FOR SHARE";
    // In UTC, whatever zone the connection has.
    const MINUTE_OF_CREATION: &'static str = "date_trunc('minute', created_at AT TIME ZONE 'UTC')";
    const SECOND_OF_CREATION: &'static str = "date_trunc('second', created_at AT TIME ZONE 'UTC')";

    async fn session(&self, mode: Mode) -> Result<Box<dyn Session>> {
        let client = self.pool.get().await.map_err(translate_pool)?;
        Ok(Box::new(PostgresSession::begin(client, mode).await?))
    }

    async fn prepare_months(&self, months: &[(i16, i8)]) -> Result<()> {
        for &month in months {
            if !self.months.lock().contains(&month) {
                let mut session = self.session(Mode::Write).await?;
                if partitions::make(session.as_mut(), month).await? {
                    session.commit().await?;
                }
                self.months.lock().insert(month);
            }
        }
        Ok(())
    }

    async fn version(&self) -> Result<String> {
        let rows = self.session(Mode::Single).await?.query("SHOW server_version", vec![]).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Text(version)]) => {
                Ok(format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default()))
            }
            _ => Ok("PostgreSQL".to_owned()),
        }
    }
}
