//! The settings of a connection, and how the client library is told.

use std::time::Duration;

use fred::types::config::{
    ConnectionConfig, Options, PerformanceConfig, ReconnectPolicy, TcpConfig, UnresponsiveConfig,
};

/// How patient a connection is. The defaults are those of the request path.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// How long a command may take.
    pub command_timeout: Duration,
    /// How long one attempt to connect may take.
    pub connect_timeout: Duration,
    /// How often the health watch asks.
    pub watch_interval: Duration,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            command_timeout: Duration::from_millis(200),
            connect_timeout: Duration::from_millis(500),
            watch_interval: Duration::from_millis(250),
        }
    }
}

/// More commands waiting for a connection than this, and further ones are refused.
const MOST_WAITING: usize = 10_000;
/// How many nodes of a cluster are asked for the one that has the key. A second is common after keys have moved.
const MOST_REDIRECTIONS: u32 = 3;

impl RedisSettings {
    pub(crate) fn performance(&self) -> PerformanceConfig {
        PerformanceConfig { default_command_timeout: self.command_timeout, ..PerformanceConfig::default() }
    }

    pub(crate) fn connection(&self) -> ConnectionConfig {
        ConnectionConfig {
            connection_timeout: self.connect_timeout,
            internal_command_timeout: self.connect_timeout,
            // A command that is sent twice may be executed twice.
            max_command_attempts: 1,
            max_command_buffer_len: MOST_WAITING,
            // A password may be put right at the server; giving up would need a restart of the hub.
            reconnect_on_auth_error: true,
            unresponsive: UnresponsiveConfig {
                max_timeout: Some(Duration::from_secs(1)),
                interval: Duration::from_millis(200),
            },
            tcp: TcpConfig { nodelay: Some(true), ..TcpConfig::default() },
            ..ConnectionConfig::default()
        }
    }

    /// Doubling from 50 ms, without end. At most 1 s, so that a Redis that is back is in use within two.
    pub(crate) fn reconnection() -> ReconnectPolicy {
        ReconnectPolicy::Exponential {
            attempts: 0,
            max_attempts: 0,
            min_delay: 50,
            max_delay: 1_000,
            base: 2,
            jitter: 50,
        }
    }

    /// Without `fail_fast`, a command would wait for its whole time although the connection is known to be down,
    /// and would be sent again by the next one. In a cluster, a command that was sent to the wrong node (which
    /// did not execute it) counts as an attempt.
    pub(crate) fn command(deadline: Duration, is_cluster: bool) -> Options {
        let attempts = if is_cluster { MOST_REDIRECTIONS } else { 1 };
        Options {
            max_attempts: Some(attempts),
            timeout: Some(deadline),
            fail_fast: true,
            ..Options::default()
        }
    }
}
