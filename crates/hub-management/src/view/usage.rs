//! Usage reports, as people see them.

use hub_repository::{GroupBy, UsageRow};
use hub_types::Money;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// A row of a usage report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// Id or model of the group; empty for the total.
    pub group: String,
    /// Its name, for users, keys and providers.
    pub name: Option<String>,
    /// Billable attempts.
    pub requests: u64,
    /// Of these, the failed ones.
    pub errors: u64,
    /// Input tokens that no cache served.
    pub input_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Reasoning tokens, a part of the output.
    pub reasoning_tokens: u64,
    /// Input tokens read from a prompt cache.
    pub cache_read_tokens: u64,
    /// Input tokens written to a five-minute prompt cache.
    pub cache_write_5m_tokens: u64,
    /// Input tokens written to a one-hour prompt cache.
    pub cache_write_1h_tokens: u64,
    /// Cost of attempts with a known price.
    #[schema(schema_with = schema::money)]
    pub cost_usd: Money,
    /// Attempts whose model has no known price.
    pub unpriced: u64,
}

impl From<&UsageRow> for UsageView {
    fn from(row: &UsageRow) -> Self {
        Self {
            group: row.group.clone(),
            name: row.name.clone(),
            requests: row.requests,
            errors: row.errors,
            input_tokens: row.usage.input,
            output_tokens: row.usage.output,
            reasoning_tokens: row.usage.reasoning,
            cache_read_tokens: row.usage.cache_read,
            cache_write_5m_tokens: row.usage.cache_write_5m,
            cache_write_1h_tokens: row.usage.cache_write_1h,
            cost_usd: row.cost,
            unpriced: row.unpriced,
        }
    }
}

/// A usage report: sums of whole hours, largest cost first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageSummaryView {
    /// From here on.
    pub from: Timestamp,
    /// Before here.
    pub to: Timestamp,
    /// What the rows are.
    #[schema(schema_with = schema::group_by)]
    pub group_by: GroupBy,
    /// The rows.
    pub items: Vec<UsageView>,
    /// Always null: a report has one page.
    pub next_cursor: Option<String>,
}
