//! The handlers, one module for each kind of thing.

pub(crate) mod auth;
pub(crate) mod bindings;
pub(crate) mod error_rules;
pub(crate) mod keys;
pub(crate) mod limit_events;
pub(crate) mod limits;
pub(crate) mod me;
pub(crate) mod provider_groups;
pub(crate) mod provider_health;
pub(crate) mod provider_test;
pub(crate) mod providers;
pub(crate) mod requests;
pub(crate) mod routing;
pub(crate) mod session_pool;
pub(crate) mod sessions;
pub(crate) mod system;
pub(crate) mod usage;
pub(crate) mod users;
pub(crate) mod webhook_targets;

use crate::problem::Problem;

/// What handlers answer.
type Answer<T> = Result<T, Problem>;
