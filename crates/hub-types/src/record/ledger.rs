//! The ledger: what was billed, line by line, for ever.
//!
//! Lines are journaled like records, so their serialised form has to stay readable, too: see [`crate::RequestRecord`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::CostBreakdown;
use crate::{AttemptId, KeyId, Money, Multiplier, ProviderId, RequestId, Usage, UsageSource, UserId};

/// One billable attempt: append-only, kept for ever. All statistics come from these lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    /// The attempt; a line is written at most once for it.
    pub attempt_id: AttemptId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// When it was charged: [`crate::RequestRecord::settled_at`].
    pub created_at: Timestamp,
    /// Who pays.
    pub user_id: UserId,
    /// With which key.
    pub key_id: KeyId,
    /// Who served.
    pub provider_id: ProviderId,
    /// The model that is billed.
    pub model: String,
    /// Tokens.
    pub usage: Usage,
    /// Reported or estimated.
    pub usage_source: UsageSource,
    /// `None` = the model has no known price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// The cost line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_breakdown: Option<CostBreakdown>,
    /// The version of the price used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_version: Option<i64>,
    /// The provider's price factor.
    pub provider_multiplier: Multiplier,
    /// The group's price factor.
    pub group_multiplier: Multiplier,
    /// The upstream's status.
    pub status: u16,
    /// The whole request's duration.
    pub duration_us: u64,
}
