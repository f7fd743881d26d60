//! Opening what is kept: secrets, database, journal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub_config::{Config, secrets};
use hub_repository::{
    PostgresRepository, PostgresSettings, Repository, RepositoryError, Sealer, SqliteRepository,
    SqliteSettings,
};
use hub_types::Secret;
use rustls::ClientConfig;

use crate::StartError;

/// How long a start waits for a database that is not there yet (both are often started together).
const DATABASE_PATIENCE: Duration = Duration::from_secs(30);

/// The admin's way in.
#[derive(Debug, Clone)]
pub struct Access {
    /// The admin token.
    pub admin_token: Secret,
    /// The file it was just made in, if it was: then, and only then, it is to be shown.
    pub made_in: Option<String>,
}

/// The admin token and the master key: from the configuration, or from the data directory.
pub(crate) fn secrets(config: &Config) -> Result<(Access, Sealer), StartError> {
    let data_dir = &config.stores.data_dir;
    let access = if let Some(token) = &config.admin_token {
        Access { admin_token: token.secret().clone(), made_in: None }
    } else {
        let kept = secrets::admin_token(data_dir)?;
        let made_in = kept.is_new.then(|| kept.path.display().to_string());
        Access { admin_token: kept.secret.secret().clone(), made_in }
    };
    let master_key = match &config.master_key {
        Some(key) => key.clone(),
        None => secrets::master_key(data_dir)?.secret,
    };
    Ok((access, Sealer::new(*master_key.expose())))
}

/// Makes the data directory, for its owner's eyes only.
pub(crate) fn data_dir(directory: &Path) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|source| StartError::DataDir { directory: directory.display().to_string(), source })
}

/// The database, whichever it is.
pub(crate) enum Database {
    Postgres(Arc<PostgresRepository>),
    Sqlite(Arc<SqliteRepository>),
}

impl Database {
    /// Opens the one that the configuration names, waiting for it for a while if it is away.
    pub(crate) async fn open(
        config: &Config,
        sealer: &Sealer,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, StartError> {
        let started = std::time::Instant::now();
        loop {
            match Self::open_once(config, sealer, tls).await {
                Err(RepositoryError::Unavailable(reason)) if started.elapsed() < DATABASE_PATIENCE => {
                    tracing::warn!(%reason, "the database is not there yet: trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                opened => return Ok(opened?),
            }
        }
    }

    async fn open_once(
        config: &Config,
        sealer: &Sealer,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, RepositoryError> {
        let stores = &config.stores;
        if let Some(dsn) = &stores.dsn {
            let settings = PostgresSettings {
                pool_max: stores.db_pool_max.get() as usize,
                auto_migrate: stores.auto_migrate,
                tls: Some(Arc::clone(tls)),
                ..PostgresSettings::new(dsn.clone(), sealer.clone())
            };
            Ok(Self::Postgres(Arc::new(PostgresRepository::connect(settings).await?)))
        } else {
            let settings = SqliteSettings {
                auto_migrate: stores.auto_migrate,
                ..SqliteSettings::new(stores.data_dir.join("hub.db"), sealer.clone())
            };
            Ok(Self::Sqlite(Arc::new(SqliteRepository::open(settings).await?)))
        }
    }

    pub(crate) fn repository(&self) -> Arc<dyn Repository> {
        match self {
            Self::Postgres(repository) => Arc::clone(repository) as Arc<dyn Repository>,
            Self::Sqlite(repository) => Arc::clone(repository) as Arc<dyn Repository>,
        }
    }

    /// Finishes what is under way and closes it.
    pub(crate) async fn close(self) {
        match self {
            Self::Postgres(repository) => repository.close().await,
            Self::Sqlite(repository) => repository.close().await,
        }
    }
}
