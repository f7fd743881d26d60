//! Usage reports out of the hourly roll-ups.

use hub_repository::{GroupBy, UsageFilter};
use jiff::SignedDuration;

use crate::params::UsageQuery;
use crate::requests::whole_hours;
use crate::view::{UsageSummaryView, UsageView};
use crate::{Management, ManagementError, Principal, Result};

/// No report goes over more time than this: about 13 months.
const LONGEST_RANGE: SignedDuration = SignedDuration::from_hours(24 * 400);

impl Management {
    /// Sums by user, key, provider or model; an ordinary user sees only its own.
    pub async fn usage_summary(&self, principal: &Principal, query: &UsageQuery) -> Result<UsageSummaryView> {
        let own = principal.confined_to();
        if own.is_some() && (query.provider_id.is_some() || query.group_by == GroupBy::Provider) {
            return Err(ManagementError::Forbidden("only an admin may see providers".to_owned()));
        }
        if let Some(user) = query.user_id {
            principal.require_sight_of(user)?;
        }
        let (from, to) = whole_hours(query.from, query.to, self.now())?;
        if to.duration_since(from) > LONGEST_RANGE {
            return Err(ManagementError::invalid("from", "must be at most 400 days before `to`"));
        }
        let filter = UsageFilter {
            from,
            to,
            user_id: own.or(query.user_id),
            key_id: query.key_id,
            provider_id: query.provider_id,
            model: query.model.clone(),
            group_by: query.group_by,
        };
        let rows = self.repository.usage(&filter).await?;
        Ok(UsageSummaryView {
            from,
            to,
            group_by: query.group_by,
            items: rows.iter().map(UsageView::from).collect(),
            next_cursor: None,
        })
    }
}
