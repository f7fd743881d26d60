//! Bindings of sessions to providers, as people count and clear them.

use hub_repository::ProviderLabel;
use hub_types::{ProviderId, ProviderType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ClearReport;
use crate::draft::Columns;
use crate::schema;

/// Whose bindings to clear. All filters given must hold; without any, `all` must be true.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ClearBindingsFields {
    /// Providers with a priority less than this.
    pub priority: Option<i32>,
    /// Providers with these ids, deleted ones included.
    pub id: Option<Vec<i64>>,
    /// Providers whose name holds this text, in whatever case; `%` and `_` are plain characters.
    pub name: Option<String>,
    /// Providers of this type.
    #[serde(rename = "type")]
    #[schema(schema_with = schema::optional_provider_type)]
    pub provider_type: Option<ProviderType>,
    /// All providers: instead of filters.
    pub all: bool,
    /// Only count.
    pub dry_run: bool,
}

impl Columns for ClearBindingsFields {
    const REQUIRED: &'static [&'static str] = &[];
    const READ_ONLY: &'static [&'static str] = &[];
}

/// A provider and the sessions bound to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderBindings {
    /// The provider.
    #[schema(value_type = i64)]
    pub id: ProviderId,
    /// Its name; null = nothing is known of it but the id.
    pub name: Option<String>,
    /// Its type; null as for the name.
    #[serde(rename = "type")]
    #[schema(schema_with = schema::optional_provider_type)]
    pub provider_type: Option<ProviderType>,
    /// Its priority; null as for the name.
    pub priority: Option<i32>,
    /// Is there no such provider any more?
    pub is_deleted: bool,
    /// Sessions bound to it; in the report of a clearing: that were.
    pub sessions: u64,
}

impl ProviderBindings {
    /// A provider that left nothing behind but its id.
    pub(crate) const fn of_unknown(id: ProviderId) -> Self {
        Self { id, name: None, provider_type: None, priority: None, is_deleted: true, sessions: 0 }
    }
}

impl From<ProviderLabel> for ProviderBindings {
    fn from(label: ProviderLabel) -> Self {
        Self {
            id: label.id,
            name: Some(label.name),
            provider_type: Some(label.provider_type),
            priority: Some(label.priority),
            is_deleted: label.is_deleted,
            sessions: 0,
        }
    }
}

/// What was cleared, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClearBindingsView {
    /// Was nothing changed, because only the numbers were asked for?
    pub dry_run: bool,
    /// The providers meant.
    pub providers: Vec<ProviderBindings>,
    /// Sessions bound to them, all together.
    pub sessions: u64,
    /// Conversation hashes removed; 0 in a dry run, which does not count them.
    pub conversations: u64,
}

impl ClearBindingsView {
    /// What would be cleared.
    pub fn of_survey(providers: Vec<ProviderBindings>) -> Self {
        let sessions = providers.iter().fold(0, |sum: u64, row| sum.saturating_add(row.sessions));
        Self { dry_run: true, providers, sessions, conversations: 0 }
    }
}

impl From<ClearReport> for ClearBindingsView {
    fn from(report: ClearReport) -> Self {
        let ClearReport { providers, sessions, conversations } = report;
        Self { dry_run: false, providers, sessions, conversations }
    }
}
