//! Connections, each on a thread of its own, and the pools that lease them one session at a time.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::translate;
use crate::RepositoryError;
use crate::sql::Result;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A session has one statement under way at most, and a rollback behind it.
const QUEUE: usize = 4;
const STATEMENTS: usize = 64;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A connection on its thread.
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

impl Worker {
    pub(super) fn start(path: &Path, access: Access) -> Result<Self> {
        let mut connection = connect(path, access).map_err(translate)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let thread = thread::Builder::new()
            .name("hub-sqlite".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut connection);
                }
            })
            .map_err(|error| RepositoryError::Unavailable(format!("no thread for the database: {error}")))?;
        Ok(Self { jobs, thread })
    }

    /// Runs a job on the connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody waits any more if the call ran into its deadline.
            let _ = answer.send(job(connection));
        });
        self.jobs.send(job).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Undoes an open transaction, without waiting for it.
    pub(super) fn roll_back(&self) {
        let job: Job = Box::new(|connection| {
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
        });
        let _ = self.jobs.try_send(job);
    }

    fn end(self) {
        drop(self.jobs);
        let _ = self.thread.join();
    }
}

fn gone() -> RepositoryError {
    RepositoryError::Unavailable("the database is closed".to_owned())
}

fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "query_only", access == Access::Read)?;
    Ok(connection)
}

/// Workers that are leased to one session at a time.
pub(super) struct Pool {
    idle: Mutex<Vec<Worker>>,
    size: u32,
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(workers: Vec<Worker>) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(workers.len()));
        let size = u32::try_from(workers.len()).unwrap_or(u32::MAX);
        Arc::new(Self { idle: Mutex::new(workers), size, permits })
    }

    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| gone())?;
        let worker = self.idle.lock().pop().ok_or_else(gone)?;
        Ok(Lease { worker: Some(worker), pool: self.clone(), _permit: permit })
    }

    /// Waits for all sessions and ends the threads.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        drop(all);
        let workers: Vec<Worker> = self.idle.lock().drain(..).collect();
        let _ = tokio::task::spawn_blocking(move || workers.into_iter().for_each(Worker::end)).await;
    }
}

/// A worker for one session.
pub(super) struct Lease {
    worker: Option<Worker>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn worker(&self) -> Result<&Worker> {
        self.worker.as_ref().ok_or_else(gone)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Back on the shelf before the permit is free: the field is dropped after this.
        if let Some(worker) = self.worker.take() {
            self.pool.idle.lock().push(worker);
        }
    }
}
