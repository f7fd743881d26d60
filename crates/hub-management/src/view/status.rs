//! The state of the hub and of the login, as people see them.

use hub_types::{Role, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// What a running hub says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HubReport {
    /// The hub's version.
    pub version: String,
    /// Since its start, seconds.
    pub uptime_seconds: u64,
    /// The stores that it works with, the database excepted.
    pub stores: Vec<StoreView>,
    /// The journal of records on their way to the database.
    pub journal: Option<JournalView>,
}

/// A store that the hub works with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreView {
    /// `redis`, `memory`, …
    pub name: String,
    /// `up`, `degraded` or `down`.
    #[schema(schema_with = schema::store_state)]
    pub state: String,
    /// More about it, in words.
    pub detail: Option<String>,
}

/// The journal of records on their way to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalView {
    /// Records in it.
    pub entries: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// How long the oldest one has waited, ms; null = it is empty.
    pub oldest_age_ms: Option<u64>,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatabaseView {
    /// `up` or `down`.
    #[schema(schema_with = schema::store_state)]
    pub state: String,
    /// What kind and which version: `SQLite 3.50.2`.
    pub version: Option<String>,
    /// The schema version found.
    pub schema_version: Option<i64>,
    /// More about it, in words.
    pub detail: Option<String>,
}

/// The state of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// `up` if everything is, else `degraded`.
    #[schema(schema_with = schema::store_state)]
    pub state: String,
    /// The hub's clock.
    pub time: Timestamp,
    /// The database.
    pub database: DatabaseView,
    /// What the running hub says; null when asked without one.
    pub hub: Option<HubReport>,
}

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActorView {
    /// `admin-token`, `user:3`, `cli`.
    pub actor: String,
    /// What they may do.
    #[schema(schema_with = schema::role)]
    pub role: Role,
    /// The user, unless it is ADMIN_TOKEN.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// The user's name.
    pub name: Option<String>,
    /// What `x-csrf-token` must be on changes with a login cookie; null with a bearer credential.
    pub csrf_token: Option<String>,
    /// Until when the login lasts; null with a bearer credential.
    pub expires_at: Option<Timestamp>,
}
