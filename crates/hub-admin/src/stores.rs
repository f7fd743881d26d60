//! The stores that the environment names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hub_circuit_breaker::{CoolDowns, FallbackBreakerStore, RedisBreakers};
use hub_config::{Config, Environment, secrets};
use hub_management::{Management, ManagementError, Settings};
use hub_redis::{RedisConnection, RedisSettings, RedisUrl};
use hub_repository::{
    PostgresRepository, PostgresSettings, Repository, RepositoryError, SchemaState, Sealer, SqliteRepository,
    SqliteSettings,
};
use hub_session::{Limits, RedisSessionStore, Sessions};
use hub_types::{Secret, SystemClock};
use jiff::SignedDuration;

use crate::backend::Direct;
use crate::failure::{Failure, Result};
use crate::messages::{Messages, fill};
use crate::{output, tls};

/// How long Redis may take: nobody waits for this but the person who asked.
const REDIS_PATIENCE: Duration = Duration::from_secs(5);

/// Reads the configuration; its mistakes come all at once.
pub(crate) fn config(environment: &Environment) -> Result<Config> {
    let lookup = |name: &str| environment.get(name).map(str::to_owned);
    Config::from_lookup(&lookup).map_err(Failure::usage)
}

/// The embedded database's file.
pub(crate) fn sqlite_path(config: &Config) -> PathBuf {
    config.stores.data_dir.join("hub.db")
}

/// Opens the database. `auto_migrate` brings an older schema up to date first.
pub(crate) async fn open(config: &Config, auto_migrate: bool) -> Result<Arc<dyn Repository>> {
    let sealer = sealer(config)?;
    if let Some(dsn) = &config.stores.dsn {
        let settings = PostgresSettings { auto_migrate, ..postgres(config, dsn.clone(), sealer)? };
        return Ok(Arc::new(PostgresRepository::connect(settings).await?));
    }
    let settings = SqliteSettings { auto_migrate, ..SqliteSettings::new(sqlite_path(config), sealer) };
    Ok(Arc::new(SqliteRepository::open(settings).await?))
}

/// Which schema the database has and which one this binary knows. Changes nothing.
pub(crate) async fn schema(config: &Config) -> Result<SchemaState> {
    match &config.stores.dsn {
        // Nothing is sealed or opened for this, so any key will do.
        Some(dsn) => {
            let settings = postgres(config, dsn.clone(), Sealer::new([0; 32]))?;
            Ok(PostgresRepository::check(&settings).await?)
        }
        None => Ok(SqliteRepository::check(&sqlite_path(config)).await?),
    }
}

fn postgres(config: &Config, dsn: Secret, sealer: Sealer) -> Result<PostgresSettings> {
    // One person at a prompt needs few connections.
    let pool_max = usize::try_from(config.stores.db_pool_max.get()).unwrap_or(2).min(2);
    Ok(PostgresSettings {
        pool_max,
        tls: Some(Arc::new(tls::config()?)),
        ..PostgresSettings::new(dsn, sealer)
    })
}

/// The use cases over the stores.
pub(crate) async fn direct(config: &Config, messages: &'static Messages) -> Result<Direct> {
    let path = sqlite_path(config);
    let is_new = config.stores.dsn.is_none() && !path.exists();
    let repository = open(config, config.stores.auto_migrate).await?;
    if is_new {
        output::tell(&fill(messages.new_database, &path.display().to_string()));
    }
    let settings = Settings {
        admin_token: None,
        auth_session_ttl: SignedDuration::ZERO,
        allow_private_upstreams: config.routing.allow_private_upstreams,
    };
    let management = Management::new(repository, Arc::new(SystemClock), settings);
    let management = management.with_time_zone(config.observability.time_zone.clone());
    Ok(Direct { management, breakers: None })
}

/// The same with the sessions in the Redis of the environment.
pub(crate) async fn direct_with_sessions(config: &Config, messages: &'static Messages) -> Result<Direct> {
    let connection = redis(config, messages.clear.needs_redis).await?;
    let store = RedisSessionStore::new(connection, limits(config));
    let Direct { management, .. } = direct(config, messages).await?;
    let management = management.with_sessions(Arc::new(Sessions::new(Arc::new(store))));
    Ok(Direct { management, breakers: None })
}

/// The same with the circuit breakers in the Redis of the environment.
pub(crate) async fn direct_with_breakers(config: &Config, messages: &'static Messages) -> Result<Direct> {
    let connection = redis(config, messages.providers.reset_needs_hub).await?;
    let breakers = Arc::new(FallbackBreakerStore::new(RedisBreakers::new(connection)));
    let Direct { management, .. } = direct(config, messages).await?;
    let pauses = Arc::new(CoolDowns::new(config.routing.longest_pause));
    let management = management.with_breakers(Arc::clone(&breakers) as Arc<_>, pauses);
    Ok(Direct { management, breakers: Some((breakers, messages.providers.redis_is_away)) })
}

/// A connection to the Redis of the environment; without one, what to say.
async fn redis(config: &Config, needs_redis: &str) -> Result<Arc<RedisConnection>> {
    let Some(address) = &config.stores.redis else { return Err(Failure::usage(needs_redis)) };
    let url = RedisUrl::parse(address.url.expose()).map_err(Failure::usage)?;
    let tls = if url.needs_tls() { Some(tls::config()?) } else { None };
    let settings = RedisSettings {
        command_timeout: REDIS_PATIENCE,
        connect_timeout: REDIS_PATIENCE,
        ..RedisSettings::default()
    };
    Ok(Arc::new(RedisConnection::connect(&url, settings, tls).await.map_err(Failure::failed)?))
}

fn limits(config: &Config) -> Limits {
    let sessions = &config.sessions;
    Limits {
        ttl: sessions.ttl,
        conversation_ttl: sessions.conversation_ttl,
        renew_threshold: sessions.renew_threshold,
        max_entries: sessions.max_conversations,
    }
}

/// Seals with MASTER_KEY, or with the key that the hub made for itself.
fn sealer(config: &Config) -> Result<Sealer> {
    let key = match &config.master_key {
        Some(key) => key.clone(),
        None => secrets::master_key(&config.stores.data_dir).map_err(Failure::usage)?.secret,
    };
    Ok(Sealer::new(*key.expose()))
}

impl From<RepositoryError> for Failure {
    fn from(error: RepositoryError) -> Self {
        ManagementError::from(error).into()
    }
}
