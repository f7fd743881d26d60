//! One database for one test.

use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use tokio_postgres::NoTls;

use super::cluster::Cluster;

/// An empty database that nobody else uses. It is dropped with the value, together with whatever is still
/// connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    /// The connection string: `postgres://postgres@127.0.0.1:PORT/NAME`.
    pub dsn: String,
    name: String,
    cluster: Arc<Cluster>,
}

impl TestDatabase {
    pub(super) async fn create(cluster: Arc<Cluster>) -> Result<Self> {
        let name = format!("test_{:016x}", getrandom::u64().context("ask the system for random bytes")?);
        execute(&cluster.dsn("postgres"), &format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await
            .with_context(|| format!("create the database {name}"))?;
        Ok(Self { dsn: cluster.dsn(&name), name, cluster })
    }

    /// Its name within the cluster.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements over a connection of its own, for preparing or breaking something from outside.
    pub async fn execute(&self, statements: &str) -> Result<()> {
        execute(&self.dsn, statements).await
    }
}

impl Drop for TestDatabase {
    /// Beside the test, which need not wait for it; if the process ends first, the whole cluster goes.
    fn drop(&mut self) {
        let (cluster, name) = (Arc::clone(&self.cluster), std::mem::take(&mut self.name));
        thread::spawn(move || {
            // It fails when the cluster is stopped, and then the database goes with the cluster.
            let _ = cluster.drop_database(&name);
        });
    }
}

async fn execute(dsn: &str, statements: &str) -> Result<()> {
    let (client, connection) =
        tokio_postgres::connect(dsn, NoTls).await.context("connect to the test server")?;
    // The connection is driven here and not by a task: it ends with this call, in whatever runtime that is.
    tokio::select! {
        done = client.batch_execute(statements) => Ok(done?),
        ended = connection => Err(ended.err().map_or_else(|| anyhow::anyhow!("the server hung up"), Into::into)),
    }
}
