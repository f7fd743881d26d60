//! A Redis server for one test.

mod cluster;
mod database;
mod node;

use std::sync::Arc;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

pub use self::cluster::RedisCluster;
pub use self::database::RedisDatabase;
use self::node::Node;
use crate::port;

/// A Redis process on loopback that keeps nothing: after a stop it starts empty.
#[derive(Debug)]
pub struct Redis {
    inner: Arc<Node>,
}

impl Redis {
    /// Starts a server of the caller's own; it ends when dropped, or with the test process.
    pub async fn start() -> Result<Self> {
        let inner = tokio::task::spawn_blocking(|| {
            port::retry(|port| {
                let node = Node::prepare(port, Vec::new())?;
                node.run().map(|()| Arc::new(node))
            })
        });
        Ok(Self { inner: inner.await.context("start Redis")?? })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.inner.port
    }

    /// What `REDIS_URL` would be: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.inner.port)
    }

    /// Kills the server: open connections are reset, new ones refused, all data is gone.
    pub async fn stop(&self) -> Result<()> {
        self.blocking(|inner| inner.server.stop(Signal::SIGKILL)).await
    }

    /// Starts it again on the same port, empty.
    pub async fn start_again(&self) -> Result<()> {
        self.blocking(Node::run).await
    }

    /// Suspends it: connections stay open and are accepted by the kernel, but nothing answers.
    pub fn freeze(&self) -> Result<()> {
        self.inner.server.freeze()
    }

    /// Lets it go on after [`Redis::freeze`]; it then executes what was sent meanwhile.
    pub fn thaw(&self) -> Result<()> {
        self.inner.server.thaw()
    }

    async fn blocking(&self, work: impl FnOnce(&Node) -> Result<()> + Send + 'static) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || work(&inner)).await.context("look after Redis")?
    }
}
