//! How many requests limits have refused.

use hub_repository::{LimitEventFilter, NamesWanted};

use crate::params::LimitEventQuery;
use crate::requests::whole_hours;
use crate::view::{LimitEventView, List};
use crate::{Management, Principal, Result, cursor};

impl Management {
    /// Refusals by hour, limit, user and key, the latest hours first; an ordinary user sees only its own.
    pub async fn limit_events(
        &self,
        principal: &Principal,
        query: &LimitEventQuery,
    ) -> Result<List<LimitEventView>> {
        if let Some(user) = query.user_id {
            principal.require_sight_of(user)?;
        }
        let (from, to) = whole_hours(query.from, query.to, self.now())?;
        let filter = LimitEventFilter {
            from,
            to,
            kind: query.limit_type.map(|kind| kind.as_str().to_owned()),
            user_id: principal.confined_to().or(query.user_id),
            key_id: query.key_id,
            limit: query.limit.saturating_add(1),
            beyond: query.cursor.as_deref().map(cursor::to_limit_event).transpose()?,
        };
        let rows = self.repository.limit_events(&filter).await?;
        let wanted = NamesWanted {
            users: rows.iter().map(|row| row.user_id).collect(),
            keys: rows.iter().map(|row| row.key_id).collect(),
            ..NamesWanted::default()
        };
        let names = self.repository.find_names(&wanted).await?;
        Ok(List::page(rows, query.limit, cursor::of_limit_event, |row| LimitEventView::of(row, &names)))
    }
}
