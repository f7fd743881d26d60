//! Redis: does it answer, and to these credentials?

use std::time::Duration;

use hub_config::RedisAddress;
use hub_redis::{RedisConnection, RedisSettings, RedisUrl};

use super::Check;
use crate::messages::Messages;
use crate::tls;

/// How long it has to answer: nobody waits for this but the person who asked.
const DEADLINE: Duration = Duration::from_secs(5);

/// Connects and asks for its version. The URL may hold a password and is not shown.
pub(super) async fn check(address: &RedisAddress, messages: &Messages) -> Check {
    match version(address).await {
        Ok(version) => Check::ok("redis", format!("Redis {version}")),
        Err(error) => Check::fail("redis", error, messages.fix_redis),
    }
}

async fn version(address: &RedisAddress) -> Result<String, String> {
    let url = RedisUrl::parse(address.url.expose()).map_err(|error| error.to_string())?;
    let settings =
        RedisSettings { command_timeout: DEADLINE, connect_timeout: DEADLINE, ..RedisSettings::default() };
    let tls = if url.needs_tls() { Some(tls::config().map_err(|failure| failure.message)?) } else { None };
    let connection =
        RedisConnection::connect(&url, settings, tls).await.map_err(|error| error.to_string())?;
    let version = connection.server_version().await.map_err(|error| error.to_string());
    connection.close().await;
    version
}
