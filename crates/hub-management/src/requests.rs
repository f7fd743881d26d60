//! Request records: list and detail.

use hub_repository::{Order, RequestFilter};
use hub_types::RequestId;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};

use crate::params::RequestQuery;
use crate::view::{List, RequestDetailView, RequestView};
use crate::{Management, ManagementError, Principal, Result, cursor};

/// The time range of reports that name none.
pub(crate) const DEFAULT_RANGE: SignedDuration = SignedDuration::from_hours(24);

impl Management {
    /// Requests, newest first; an ordinary user sees only its own, without providers.
    pub async fn list_requests(
        &self,
        principal: &Principal,
        query: &RequestQuery,
    ) -> Result<List<RequestView>> {
        let own = principal.confined_to();
        if own.is_some() && query.provider_id.is_some() {
            return Err(ManagementError::Forbidden("only an admin may filter by provider".to_owned()));
        }
        if let Some(user) = query.user_id {
            principal.require_sight_of(user)?;
        }
        let to = query.to.unwrap_or_else(|| self.now());
        let from = query.from.unwrap_or_else(|| before(to, DEFAULT_RANGE));
        if from >= to {
            return Err(ManagementError::invalid("from", "must be before `to`"));
        }
        let filter = RequestFilter {
            from: Some(from),
            to: query.to,
            user_id: own.or(query.user_id),
            key_id: query.key_id,
            provider_id: query.provider_id,
            model: query.model.clone(),
            dialect: query.dialect,
            status_class: query.status_class,
            session_id: query.session_id.clone(),
            min_cost: query.min_cost_usd,
            order: Order::NewestFirst,
            beyond: query.cursor.as_deref().map(cursor::to_request).transpose()?,
            limit: query.limit.saturating_add(1),
        };
        let rows = self.repository.list_requests(&filter).await?;
        Ok(List::page(
            rows,
            query.limit,
            |row| cursor::of_request(row.record.created_at, row.record.id),
            |row| RequestView::of(row, own.is_none()),
        ))
    }

    /// One request with its decision chain.
    pub async fn show_request(&self, principal: &Principal, id: RequestId) -> Result<RequestDetailView> {
        let row = self.repository.find_request(id).await?.ok_or(ManagementError::NotFound)?;
        let own = principal.confined_to();
        if own.is_some() && row.record.user_id != own {
            return Err(ManagementError::NotFound);
        }
        Ok(RequestDetailView::of(&row, own.is_none()))
    }
}

/// A moment earlier, or the earliest there is.
pub(crate) fn before(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// The range that a question about hours asks for: by default a day, up to the end of the current hour.
pub(crate) fn whole_hours(
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp)> {
    let next_hour = TimestampRound::new().smallest(Unit::Hour).mode(RoundMode::Ceil);
    let to = to.unwrap_or_else(|| now.round(next_hour).unwrap_or(now));
    let from = from.unwrap_or_else(|| before(to, DEFAULT_RANGE));
    if from >= to {
        return Err(ManagementError::invalid("from", "must be before `to`"));
    }
    Ok((from, to))
}
