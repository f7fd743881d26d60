//! What people do with the hub: users, keys, providers, sessions, reports; authorisation and audit live here.
//!
//! The REST interface and the command line are two thin skins over [`Management`]: both exchange the types of
//! [`view`], and neither decides who may do what. Input is a JSON object held against the writable columns, so
//! that a creation and a merge patch obey the same rules. What does not live here: HTTP, tables, SQL.

mod actor;
mod audit;
mod binding_filter;
mod clear_bindings;
mod cursor;
mod draft;
mod error;
mod error_rules;
mod keys;
mod limit_events;
mod limits;
mod login;
mod management;
mod me;
mod params;
mod pool_keys;
mod provider_groups;
mod provider_health;
mod provider_test;
mod providers;
mod proxy_url;
mod requests;
mod routing;
mod schema;
mod session_pool;
mod sessions;
mod status;
mod throttle;
mod usage;
mod users;
mod validate;
pub mod view;
mod webhook_targets;

pub use actor::{Actor, Principal};
pub use binding_filter::BindingFilter;
pub use clear_bindings::ClearReport;
pub use error::{FieldError, ManagementError};
pub use error_rules::{ErrorRuleTests, SampleAnswer};
pub use login::{Login, Resumed};
pub use management::{Management, Settings};
pub use params::{LimitEventQuery, ListQuery, RequestQuery, SessionQuery, UsageQuery};
pub use provider_test::ProviderTests;
pub use status::StatusSource;
pub use webhook_targets::WebhookSender;

/// The outcome of everything that people do.
pub type Result<T> = std::result::Result<T, ManagementError>;

/// Input as it came in: a JSON object whose members are held against the writable columns.
pub type Patch = serde_json::Map<String, serde_json::Value>;
