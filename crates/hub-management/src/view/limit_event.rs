//! Refusals by limits, as people see them.

use hub_repository::{LimitEvent, Names};
use hub_types::{KeyId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// The requests that a limit refused within an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitEventView {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// Which limit.
    #[schema(schema_with = schema::refusing_limit)]
    pub limit_type: String,
    /// Whose requests.
    #[schema(value_type = i64)]
    pub user_id: UserId,
    /// Their name.
    pub user_name: Option<String>,
    /// With which key.
    #[schema(value_type = i64)]
    pub key_id: KeyId,
    /// Its name.
    pub key_name: Option<String>,
    /// How many.
    pub count: u64,
}

impl LimitEventView {
    pub(crate) fn of(row: &LimitEvent, names: &Names) -> Self {
        Self {
            hour: row.hour,
            limit_type: row.kind.clone(),
            user_id: row.user_id,
            user_name: names.users.get(&row.user_id).cloned(),
            key_id: row.key_id,
            key_name: names.keys.get(&row.key_id).map(|key| key.name.clone()),
            count: row.count,
        }
    }
}
