//! Which providers have used up their money limits.

use hub_rate_limit::Known;
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::admission::Spent;
use crate::catalogue::Prospects;
use crate::shared::Shared;

/// Asks for all that could serve this request, at once. What can't be known counts as room.
pub(crate) async fn spent(shared: &Shared, prospects: &Prospects<'_>, now: Timestamp) -> Spent {
    if !shared.options.holds_limits() {
        return Spent::new();
    }
    let asked: SmallVec<[_; 4]> =
        prospects.limited().map(|(provider, limits)| (provider.id, limits)).collect();
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
