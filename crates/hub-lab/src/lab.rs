//! The server: starting, dying, coming back, stopping.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::{Mutex, RwLock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::Acceptor;
use crate::answer::Cache;
use crate::scenario::{Scenario, Stage};
use crate::serve::Shared;
use crate::witness::Witness;

/// How to start a lab.
#[derive(Debug, Clone)]
pub struct LabConfig {
    /// Where to listen. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// What to play.
    pub scenario: Scenario,
    /// Answers whose details the witness keeps; 0 keeps totals only.
    pub keep: usize,
    /// Whether the witness hashes bodies. Off for benchmarks.
    pub hash: bool,
}

impl Default for LabConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            scenario: Scenario::default(),
            keep: 10_000,
            hash: true,
        }
    }
}

/// A running simulated provider. Dropping it stops it.
#[derive(Debug)]
pub struct Lab {
    addr: SocketAddr,
    acceptor: Acceptor,
    listening: Mutex<Listening>,
}

/// One opening of the port.
#[derive(Debug, Default)]
struct Listening {
    stop: CancellationToken,
    task: TaskTracker,
}

impl Lab {
    /// Starts a lab on the current runtime.
    pub async fn start(config: LabConfig) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("the lab cannot listen on {}", config.listen))?;
        let addr = listener.local_addr()?;
        let mark = u32::from(addr.port()) | (std::process::id() << 16);
        let shared = Arc::new(Shared {
            witness: Witness::new(config.keep, config.hash),
            stage: RwLock::new(Arc::new(Stage::new(config.scenario))),
            cache: Cache::default(),
            mark,
        });
        let acceptor = Acceptor { shared, tracker: TaskTracker::new(), connections: Arc::default() };
        let lab = Self { addr, acceptor, listening: Mutex::default() };
        lab.listen(listener);
        Ok(lab)
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, without a path and without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What was received and answered.
    pub fn witness(&self) -> &Witness {
        &self.acceptor.shared.witness
    }

    /// Plays another scenario from now on, from its beginning.
    pub fn set_scenario(&self, scenario: Scenario) {
        *self.acceptor.shared.stage.write() = Arc::new(Stage::new(scenario));
    }

    /// Forgets what was witnessed and plays the scenario from its beginning.
    pub fn reset(&self) {
        self.acceptor.shared.reset();
    }

    /// Refuses new connections; open ones live on. Returns when the port is closed.
    pub async fn refuse_connections(&self) {
        let task = {
            let listening = self.listening.lock();
            listening.stop.cancel();
            listening.task.close();
            listening.task.clone()
        };
        task.wait().await;
    }

    /// Resets all open connections, in the middle of whatever they do. New ones are still accepted.
    pub fn reset_connections(&self) {
        std::mem::take(&mut *self.acceptor.connections.lock()).reset.cancel();
    }

    /// Closes all open connections, in the middle of whatever they do. New ones are still accepted.
    pub fn close_connections(&self) {
        std::mem::take(&mut *self.acceptor.connections.lock()).close.cancel();
    }

    /// Dies as a killed machine does: refuses new connections and resets the open ones.
    pub async fn die(&self) {
        self.refuse_connections().await;
        self.reset_connections();
    }

    /// Listens again on the same port, after [`Lab::die`] or [`Lab::refuse_connections`].
    pub async fn revive(&self) -> anyhow::Result<()> {
        self.refuse_connections().await;
        let listener = TcpListener::bind(self.addr)
            .await
            .with_context(|| format!("cannot listen on {} again", self.addr))?;
        self.listen(listener);
        Ok(())
    }

    /// Ends everything and waits until no task is left.
    pub async fn stop(self) {
        self.refuse_connections().await;
        self.close_connections();
        self.acceptor.tracker.close();
        self.acceptor.tracker.wait().await;
    }

    fn listen(&self, listener: TcpListener) {
        let listening = Listening::default();
        listening.task.spawn(self.acceptor.clone().run(listener, listening.stop.clone()));
        *self.listening.lock() = listening;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.listening.lock().stop.cancel();
        self.close_connections();
    }
}
