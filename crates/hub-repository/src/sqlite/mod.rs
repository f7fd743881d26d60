//! SQLite: the embedded database of a hub that has no `DSN`.
//!
//! WAL mode, one writing connection, a few reading ones, each on a thread of its own. The writer commits with
//! `synchronous=FULL`: the journal deletes a segment once its records are committed, so a commit must survive
//! a power cut. Batches come a few times a second at most; one sync for each costs nothing that anybody waits for.

mod error;
mod migrate;
mod session;
mod watch;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::sql::{Database, Engine, Mode, Notices, Parts, Result, Session};
use crate::{RepositoryError, SchemaState, Sealer};
use error::translate;
use session::SqliteSession;
use worker::{Access, Pool, Worker};

const READERS: usize = 4;

/// How to open a SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteSettings {
    /// The file; made if missing, for its owner's eyes only.
    pub path: PathBuf,
    /// Bring an older schema up to date? Without it, an older schema is refused.
    pub auto_migrate: bool,
    /// Seals provider credentials.
    pub sealer: Sealer,
    /// Every call ends within this time (usually 10 s).
    pub deadline: Duration,
}

impl SqliteSettings {
    /// The usual settings for a file.
    pub fn new(path: impl Into<PathBuf>, sealer: Sealer) -> Self {
        Self { path: path.into(), auto_migrate: true, sealer, deadline: Duration::from_secs(10) }
    }
}

/// Connections to one file.
pub struct Sqlite {
    writer: Arc<Pool>,
    readers: Arc<Pool>,
}

/// A [`crate::Repository`] in a SQLite file.
pub type SqliteRepository = Engine<Sqlite>;

impl Engine<Sqlite> {
    /// Opens the file, migrates it if asked to, and begins to watch it for edits by other processes.
    pub async fn open(settings: SqliteSettings) -> std::result::Result<Self, RepositoryError> {
        let path = settings.path.clone();
        let auto_migrate = settings.auto_migrate;
        let (writer, readers, watcher) = off_thread(move || {
            migrate::run(&path, auto_migrate)?;
            let writer = Worker::start(&path, Access::Write)?;
            let readers =
                (0..READERS).map(|_| Worker::start(&path, Access::Read)).collect::<Result<Vec<_>>>()?;
            let watcher = Worker::start(&path, Access::Read)?;
            Ok((writer, readers, watcher))
        })
        .await?;
        let notices = Arc::new(Notices::new());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let known = watch::begin(&watcher, &notices).await?;
        tasks.spawn(watch::run(watcher, known, notices.clone(), stop.clone()));
        let database = Sqlite { writer: Pool::new(vec![writer]), readers: Pool::new(readers) };
        let SqliteSettings { sealer, deadline, .. } = settings;
        Ok(Self::new(Parts { database, sealer, notices, deadline, tasks, stop }))
    }

    /// Compares the schema of a file with what this binary knows, without changing anything.
    pub async fn check(path: &Path) -> std::result::Result<SchemaState, RepositoryError> {
        let path = path.to_owned();
        off_thread(move || migrate::check(&path)).await
    }

    /// Finishes what is under way and closes the file.
    pub async fn close(&self) {
        self.stop_tasks().await;
        let database = self.database();
        database.readers.close().await;
        database.writer.close().await;
    }
}

#[async_trait]
impl Database for Sqlite {
    /// The writer is alone.
    const KEEP_ROWS: &'static str = "";
    const MINUTE_OF_CREATION: &'static str = "created_at / 60000000";
    const SECOND_OF_CREATION: &'static str = "created_at / 1000000";

    async fn session(&self, mode: Mode) -> Result<Box<dyn Session>> {
        let pool = if mode == Mode::Write { &self.writer } else { &self.readers };
        Ok(Box::new(SqliteSession::begin(pool.lease().await?, mode).await?))
    }

    async fn prepare_months(&self, _: &[(i16, i8)]) -> Result<()> {
        Ok(())
    }

    async fn version(&self) -> Result<String> {
        Ok(format!("SQLite {}", rusqlite::version()))
    }
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| RepositoryError::Database("opening the database broke off".to_owned()))?
}
