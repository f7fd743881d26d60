//! `doctor`: is everything in order, and if not, how to fix it?

mod clock;
mod data_dir;
mod database;
mod providers;
mod redis;
mod report;
mod server;

use hub_config::Environment;

use crate::messages::Messages;
use crate::stores;

pub(crate) use report::{Check, report};
pub(crate) use server::of_server;

/// Checks the stores that the environment names.
pub(crate) async fn of_stores(environment: &Environment, messages: &Messages) -> Vec<Check> {
    let mut checks = Vec::new();
    let config = match stores::config(environment) {
        Ok(config) => config,
        Err(failure) => {
            checks.push(Check::fail("configuration", failure.message, messages.fix_configuration));
            return checks;
        }
    };
    let unknown = hub_config::hints(environment.names());
    if unknown.is_empty() {
        checks.push(Check::ok("configuration", messages.configuration_read));
    }
    for hint in unknown {
        checks.push(Check::warn("configuration", hint.to_string(), messages.fix_spelling));
    }
    checks.extend(data_dir::check(&config.stores.data_dir, messages));
    if let Some(address) = &config.stores.redis {
        checks.push(redis::check(address, messages).await);
    }
    let (check, repository) = database::check(&config, messages).await;
    checks.push(check);
    if let Some(repository) = repository {
        checks.extend(clock::check(repository.as_ref(), messages).await);
        checks.extend(providers::check(repository.as_ref(), messages).await);
    }
    checks
}
