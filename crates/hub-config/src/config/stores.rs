//! Where things are kept.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use hub_types::Secret;

use crate::reader::Reader;
use crate::variables as of;

/// Databases, Redis, the data directory.
#[derive(Debug, Clone)]
pub struct Stores {
    /// PostgreSQL's connection string; `None`: the embedded database.
    pub dsn: Option<Secret>,
    /// Redis; `None`: state in memory.
    pub redis: Option<RedisAddress>,
    /// The directory of journal, embedded database and generated secrets.
    pub data_dir: PathBuf,
    /// Whether the schema is brought up to date at start.
    pub auto_migrate: bool,
    /// The most connections to PostgreSQL.
    pub db_pool_max: NonZeroU32,
    /// How long a Redis command may take.
    pub redis_command_timeout: Duration,
    /// How far the journal may grow, in bytes.
    pub journal_max_bytes: u64,
}

/// The address of Redis: its kind is known, the rest may hold a password.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    /// What is to be reached there, and how.
    pub scheme: RedisScheme,
    /// The whole address.
    pub url: Secret,
}

/// The kinds of Redis installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisScheme {
    /// `redis://`: one server.
    Plain,
    /// `rediss://`: one server, by TLS.
    Tls,
    /// `redis-sentinel://`: sentinels that know the server.
    Sentinel,
    /// `redis-cluster://`: nodes of a cluster.
    Cluster,
}

impl Stores {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let dsn = reader.optional(&of::DSN, postgres);
        let redis = reader.optional(&of::REDIS_URL, redis);
        let data_dir =
            reader.value(&of::DATA_DIR, |text| (!text.contains('\0')).then(|| PathBuf::from(text)));
        let auto_migrate = reader.boolean(&of::AUTO_MIGRATE);
        let db_pool_max: Option<u32> = reader.count(&of::DB_POOL_MAX);
        let redis_command_timeout = reader.duration(&of::REDIS_COMMAND_TIMEOUT_MS);
        let journal_max_bytes = reader.count(&of::JOURNAL_MAX_BYTES);
        Some(Self {
            dsn: dsn?,
            redis: redis?,
            data_dir: data_dir?,
            auto_migrate: auto_migrate?,
            db_pool_max: NonZeroU32::new(db_pool_max?)?,
            redis_command_timeout: redis_command_timeout?,
            journal_max_bytes: journal_max_bytes?,
        })
    }
}

/// The driver reads the rest: it knows forms that are no URL, such as several hosts with ports.
fn postgres(text: &str) -> Option<Secret> {
    let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"))?;
    (!rest.is_empty() && !text.contains(char::is_whitespace)).then(|| Secret::new(text))
}

fn redis(text: &str) -> Option<RedisAddress> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = match scheme {
        "redis" => RedisScheme::Plain,
        "rediss" => RedisScheme::Tls,
        "redis-sentinel" => RedisScheme::Sentinel,
        "redis-cluster" => RedisScheme::Cluster,
        _ => return None,
    };
    let url = || RedisAddress { scheme, url: Secret::new(text) };
    (!rest.is_empty() && !text.contains(char::is_whitespace)).then(url)
}
