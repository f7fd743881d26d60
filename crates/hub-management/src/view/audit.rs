//! Audit entries, as people see them.

use hub_repository::AuditRow;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::schema;

/// What an admin did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// The row.
    pub id: i64,
    /// When.
    pub created_at: Timestamp,
    /// Who: `admin-token`, `user:3`, `cli`.
    pub actor: String,
    /// What: `user.create`, `provider.update`, …
    pub action: String,
    /// On what: `provider:7`.
    pub target: String,
    /// The row before.
    #[schema(schema_with = schema::json)]
    pub before: Option<Value>,
    /// The row after.
    #[schema(schema_with = schema::json)]
    pub after: Option<Value>,
    /// The caller's address.
    pub address: Option<String>,
    /// Did it work?
    pub success: bool,
}

impl From<&AuditRow> for AuditView {
    fn from(row: &AuditRow) -> Self {
        let json = |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let entry = &row.entry;
        Self {
            id: row.id,
            created_at: entry.at,
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            target: entry.target.clone(),
            before: json(&entry.before),
            after: json(&entry.after),
            address: entry.address.clone(),
            success: entry.success,
        }
    }
}
