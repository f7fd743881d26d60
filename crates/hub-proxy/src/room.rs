//! Which providers have used up their money limits.

use hub_rate_limit::{Known, Limits};
use hub_routing::RoutingFacts;
use jiff::Timestamp;
use jiff::civil::Time;
use smallvec::SmallVec;

use crate::Catalogue;
use crate::admission::Spent;
use crate::shared::Shared;

/// Asks for all that could serve this request, at once. What can't be known counts as room.
pub(crate) async fn spent(
    shared: &Shared,
    catalogue: &Catalogue,
    facts: &RoutingFacts<'_>,
    local_time: Time,
    now: Timestamp,
) -> Spent {
    if !shared.options.holds_limits() {
        return Spent::new();
    }
    let limited = catalogue.limited(facts, local_time);
    let asked: SmallVec<[_; 4]> =
        limited.map(|provider| (provider.id, Limits::from(provider.as_ref()))).collect();
    if asked.is_empty() {
        return Spent::new();
    }
    match shared.limiter.room(&asked, now).await {
        Ok(rooms) => {
            let answered = asked.iter().zip(rooms);
            answered.filter(|(_, room)| matches!(room, Known::Yes(Some(_)))).map(|((id, _), _)| *id).collect()
        }
        Err(error) => {
            tracing::debug!(%error, "providers are chosen without their limits");
            Spent::new()
        }
    }
}
