//! The database: reachable, with the right schema, and openable with this MASTER_KEY.

use std::sync::Arc;

use hub_config::Config;
use hub_repository::{Page, Repository, RepositoryError};

use super::Check;
use crate::messages::{Messages, fill};
use crate::stores;

const NAME: &str = "database";

/// Looks at the database without changing it; gives it back if it is usable.
pub(super) async fn check(config: &Config, messages: &Messages) -> (Check, Option<Arc<dyn Repository>>) {
    if config.stores.dsn.is_none() {
        let path = stores::sqlite_path(config);
        if !path.exists() {
            let detail = format!("{}: not there yet", path.display());
            return (Check::warn(NAME, detail, messages.fix_no_database), None);
        }
    }
    let schema = match stores::schema(config).await {
        Ok(schema) => schema,
        Err(failure) => return (Check::fail(NAME, failure.message, messages.fix_database), None),
    };
    if !schema.is_current() {
        let versions =
            fill(&fill(messages.schema_differs, &schema.found.to_string()), &schema.known.to_string());
        let check = if schema.found > schema.known {
            Check::fail(NAME, versions, messages.fix_schema_newer)
        } else {
            Check::warn(NAME, versions, messages.fix_schema_older)
        };
        return (check, None);
    }
    let repository = match stores::open(config, false).await {
        Ok(repository) => repository,
        Err(failure) => return (Check::fail(NAME, failure.message, messages.fix_database), None),
    };
    match probe(repository.as_ref()).await {
        Ok(version) => {
            let detail = format!("{version}, {}", fill(messages.schema_current, &schema.found.to_string()));
            (Check::ok(NAME, detail), Some(repository))
        }
        Err(error @ RepositoryError::Unsealable) => {
            (Check::fail(NAME, error.to_string(), messages.fix_master_key), None)
        }
        Err(error) => (Check::fail(NAME, error.to_string(), messages.fix_database), None),
    }
}

/// Asks for something, and opens a credential.
async fn probe(repository: &dyn Repository) -> Result<String, RepositoryError> {
    repository.ping().await?;
    repository.list_providers(Page { after: None, limit: 1 }).await?;
    repository.version().await
}
