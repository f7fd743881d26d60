//! A PostgreSQL cluster: one shared by the tests of a process, or one of a test's own.

mod cluster;
mod database;

use std::sync::Arc;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::sync::OnceCell;

use cluster::Cluster;
pub use database::TestDatabase;

/// One cluster for all tests of a process. It is never dropped: the guard removes it.
static SHARED: OnceCell<Postgres> = OnceCell::const_new();

/// A PostgreSQL server on loopback, made for the moment: nothing is flushed to disk, everybody is trusted.
#[derive(Debug)]
pub struct Postgres {
    cluster: Arc<Cluster>,
}

impl Postgres {
    /// The cluster that all tests of this process share, started by whoever asks first. Take databases from
    /// it; do not stop or freeze it, others are using it.
    pub async fn shared() -> Result<&'static Self> {
        SHARED.get_or_try_init(Self::start).await
    }

    /// A cluster of the caller's own, for tests that stop or freeze it. Takes about two seconds; it ends when
    /// dropped, or with the test process.
    pub async fn start() -> Result<Self> {
        let cluster = tokio::task::spawn_blocking(Cluster::start).await.context("start PostgreSQL")??;
        Ok(Self { cluster: Arc::new(cluster) })
    }

    /// An empty database, dropped with the value.
    pub async fn fresh_database(&self) -> Result<TestDatabase> {
        TestDatabase::create(Arc::clone(&self.cluster)).await
    }

    /// The connection string of the maintenance database.
    pub fn dsn(&self) -> String {
        self.cluster.dsn("postgres")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// Stops it at once, as a crash would: connections break, new ones are refused. What was committed is
    /// there again after [`Postgres::start_again`].
    pub async fn stop(&self) -> Result<()> {
        // SIGQUIT is PostgreSQL's immediate shutdown: as abrupt as SIGKILL for clients, and it leaves no
        // shared memory behind.
        self.blocking(|cluster| cluster.server().stop(Signal::SIGQUIT)).await
    }

    /// Starts it again, same port and data.
    pub async fn start_again(&self) -> Result<()> {
        self.blocking(Cluster::run).await
    }

    /// Suspends the server and all its sessions: connections stay open and nothing is answered.
    pub fn freeze(&self) -> Result<()> {
        self.cluster.server().freeze()
    }

    /// Lets it go on after [`Postgres::freeze`].
    pub fn thaw(&self) -> Result<()> {
        self.cluster.server().thaw()
    }

    async fn blocking(&self, work: impl FnOnce(&Cluster) -> Result<()> + Send + 'static) -> Result<()> {
        let cluster = Arc::clone(&self.cluster);
        tokio::task::spawn_blocking(move || work(&cluster)).await.context("look after PostgreSQL")?
    }
}
