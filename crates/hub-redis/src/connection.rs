//! One connection: made, asked, closed.

use std::sync::Arc;
use std::time::Duration;

use fred::clients::{Client, WithOptions};
use fred::interfaces::ClientLike;
use fred::types::config::{Config, Options, Server, ServerConfig, TlsConfig};
use fred::types::{ConnectHandle, InfoKind};
use futures_util::TryFutureExt;
use rustls::ClientConfig;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::error::RedisError;
use crate::health::{self, RedisHealth};
use crate::settings::RedisSettings;
use crate::standing::{RedisFigures, Standing};
use crate::url::{RedisUrl, Topology};

/// A connection that comes back by itself. Dropping it ends it; [`RedisConnection::close`] does so in order.
#[derive(Debug)]
pub struct RedisConnection {
    pub(crate) wire: Wire,
    pub(crate) standing: Arc<Standing>,
    health: watch::Receiver<RedisHealth>,
    pub(crate) settings: RedisSettings,
    tasks: TaskTracker,
    ending: DropGuard,
    driver: AbortOnDrop,
}

/// The client library's connection, cheap to clone.
#[derive(Clone)]
pub(crate) struct Wire(pub(crate) Client);

/// The library's own task: without this it would go on reconnecting for a connection that nobody holds.
#[derive(Debug)]
struct AbortOnDrop(ConnectHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RedisConnection {
    /// Connects, and returns after one connection timeout at the latest: if Redis is away, the connection is
    /// [`RedisHealth::Degraded`] and tries again in the background. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`RedisError::TlsConfigMissing`]: the address asks for TLS and `tls` is `None`.
    pub async fn connect(
        url: &RedisUrl,
        settings: RedisSettings,
        tls: Option<ClientConfig>,
    ) -> Result<Self, RedisError> {
        let config = client_config(url, tls)?;
        let client = Client::new(
            config,
            Some(settings.performance()),
            Some(settings.connection()),
            Some(RedisSettings::reconnection()),
        );
        let driver = AbortOnDrop(client.connect());
        let wire = Wire(client);
        let start = async {
            wire.0.wait_for_connect().await.is_ok() && wire.ping(settings.command_timeout).await.is_ok()
        };
        let is_up = timeout(settings.connect_timeout, start).await.unwrap_or(false);
        let first = if is_up { RedisHealth::Up } else { RedisHealth::Degraded };
        if first == RedisHealth::Degraded {
            tracing::warn!("Redis is not reachable yet: going on without it");
        }
        let standing = Arc::new(Standing::new(first, settings.command_timeout));
        let health = standing.health();
        let (tasks, ending) = (TaskTracker::new(), CancellationToken::new());
        let (interval, deadline) = (settings.watch_interval, settings.command_timeout);
        tasks.spawn(health::watch(wire.clone(), Arc::clone(&standing), interval, deadline, ending.clone()));
        Ok(Self { wire, standing, health, settings, tasks, ending: ending.drop_guard(), driver })
    }

    /// Asks for a sign of life, and waits for it no longer than the deadline.
    pub async fn ping(&self, deadline: Duration) -> Result<(), RedisError> {
        self.wire.ping(deadline).await
    }

    /// How it stood when it was last asked.
    pub fn health(&self) -> RedisHealth {
        *self.health.borrow()
    }

    /// Every change of [`RedisConnection::health`].
    pub fn health_changes(&self) -> watch::Receiver<RedisHealth> {
        self.health.clone()
    }

    /// What it has done up to now, for metrics.
    pub fn figures(&self) -> RedisFigures {
        self.standing.figures()
    }

    /// Is it a cluster? Then the keys of one script must be of one slot.
    pub fn is_cluster(&self) -> bool {
        self.wire.0.is_clustered()
    }

    /// The version of the server, such as `7.0.15`.
    pub async fn server_version(&self) -> Result<String, RedisError> {
        let deadline = self.settings.command_timeout;
        let client = self.wire.within(deadline);
        let text = client.info::<String>(Some(InfoKind::Server));
        let text = text.map_err(|error| RedisError::from_client(&error, deadline));
        let text = self.wire.answer_of(deadline, Box::pin(text)).await?;
        let version = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
        version
            .map(|version| version.trim().to_owned())
            .ok_or_else(|| RedisError::Refused("its INFO names no redis_version".to_owned()))
    }

    /// Ends the watch, says goodbye to Redis if it is there, and waits for both for a bounded time.
    pub async fn close(self) {
        drop(self.ending);
        self.tasks.close();
        self.tasks.wait().await;
        // Without a connection there is nobody to say it to, and it would wait for one.
        let _ = timeout(self.settings.connect_timeout, self.wire.0.quit()).await;
        drop(self.driver);
    }
}

impl Wire {
    /// For commands that have this long.
    pub(crate) fn within(&self, deadline: Duration) -> WithOptions<Client> {
        self.0.with_options(&self.options(deadline))
    }

    pub(crate) fn options(&self, deadline: Duration) -> Options {
        RedisSettings::command(deadline, self.0.is_clustered())
    }

    pub(crate) async fn ping(&self, deadline: Duration) -> Result<(), RedisError> {
        let client = self.within(deadline);
        let pong = client.ping::<()>(None).map_err(|error| RedisError::from_client(&error, deadline));
        self.answer_of(deadline, Box::pin(pong)).await
    }
}

impl std::fmt::Debug for Wire {
    /// The library's own output would show its configuration with the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire(…)")
    }
}

fn client_config(url: &RedisUrl, tls: Option<ClientConfig>) -> Result<Config, RedisError> {
    let tls = match (url.tls, tls) {
        (true, None) => return Err(RedisError::TlsConfigMissing),
        (true, Some(config)) => Some(TlsConfig::from(config)),
        (false, _) => None,
    };
    let servers = |hosts: &[(String, u16)]| {
        hosts.iter().map(|(host, port)| Server::new(host.as_str(), *port)).collect()
    };
    let server = match &url.topology {
        Topology::Standalone(host, port) => ServerConfig::new_centralized(host, *port),
        Topology::Sentinel { hosts, service } => {
            ServerConfig::Sentinel { hosts: servers(hosts), service_name: service.clone() }
        }
        Topology::Cluster(hosts) => ServerConfig::Clustered {
            hosts: servers(hosts),
            policy: fred::types::config::ClusterDiscoveryPolicy::default(),
        },
    };
    Ok(Config {
        // `true` would give up for good if Redis is away at the start.
        fail_fast: false,
        server,
        username: url.username.clone(),
        password: url.password.as_ref().map(|password| password.expose().to_owned()),
        database: url.database,
        tls,
        ..Config::default()
    })
}
