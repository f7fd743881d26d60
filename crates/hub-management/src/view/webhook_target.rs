//! Webhook targets, as people see and write them.

use hub_types::{AlertEvent, Secret, WebhookKind, WebhookTarget, WebhookTargetId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WriteOnly;
use crate::draft::Columns;
use crate::schema;

/// The columns of a webhook target. A creation needs `name` and `url`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct WebhookTargetFields {
    /// Unique among the living.
    pub name: String,
    /// The form of messages.
    #[schema(schema_with = schema::webhook_kind)]
    pub kind: WebhookKind,
    /// Where messages are posted: http or https.
    #[schema(schema_with = schema::write_only_secret)]
    pub url: Option<WriteOnly>,
    /// What it hears of; empty = everything.
    #[schema(value_type = Vec<String>, example = json!(["breaker_opened", "credential_failing"]))]
    pub events: Vec<AlertEvent>,
    /// Hears anything at all.
    pub is_enabled: bool,
}

impl Default for WebhookTargetFields {
    fn default() -> Self {
        let (name, kind, events) = (String::new(), WebhookKind::Json, Vec::new());
        Self { name, kind, url: None, events, is_enabled: true }
    }
}

impl Columns for WebhookTargetFields {
    const REQUIRED: &'static [&'static str] = &["name", "url"];
    const SECRET: &'static [&'static str] = &["url"];
    const READ_ONLY: &'static [&'static str] = &["id", "created_at", "updated_at"];
}

/// A webhook target.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookTargetView {
    /// The row.
    #[schema(value_type = i64)]
    pub id: WebhookTargetId,
    /// What people write.
    #[serde(flatten)]
    pub fields: WebhookTargetFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a message went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookTestView {
    /// Was it taken?
    pub ok: bool,
    /// What happened, in words; without the URL.
    pub message: String,
}

impl From<&WebhookTarget> for WebhookTargetFields {
    /// The URL comes out masked.
    fn from(target: &WebhookTarget) -> Self {
        Self {
            name: target.name.clone(),
            kind: target.kind,
            url: WriteOnly::of(&target.url),
            events: target.events.clone(),
            is_enabled: target.is_enabled,
        }
    }
}

impl From<&WebhookTarget> for WebhookTargetView {
    fn from(target: &WebhookTarget) -> Self {
        let (created_at, updated_at) = (target.created_at, target.updated_at);
        Self { id: target.id, fields: WebhookTargetFields::from(target), created_at, updated_at }
    }
}

impl WebhookTargetFields {
    /// Writes these columns into a row, all but the URL.
    pub(crate) fn write_to(self, target: &mut WebhookTarget, url: Secret) {
        target.name = self.name;
        target.kind = self.kind;
        target.url = url;
        target.events = self.events;
        target.is_enabled = self.is_enabled;
    }
}
