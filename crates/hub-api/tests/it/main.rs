//! The REST interface as callers see it, over a real SQLite database.

#[cfg(test)]
mod access;
#[cfg(test)]
mod bindings;
#[cfg(test)]
mod brittle_store;
#[cfg(test)]
mod error_rules;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limit_events;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod login;
#[cfg(test)]
mod me;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod provider_health;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod session_pool;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod system;
#[cfg(test)]
mod users;
#[cfg(test)]
mod webhook_targets;
