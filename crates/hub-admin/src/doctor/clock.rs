//! The clock, held against what the database has seen.

use hub_repository::{Repository, RepositoryError, RequestFilter};
use hub_types::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

use super::Check;
use crate::messages::{Messages, fill};

const NAME: &str = "clock";
/// Instances may differ by this much before windows and bindings suffer.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);

/// Nothing that the database keeps may come from the future.
pub(super) async fn check(repository: &dyn Repository, messages: &Messages) -> Vec<Check> {
    let now = SystemClock.now();
    let newest = match newest(repository).await {
        Ok(newest) => newest,
        Err(error) => return vec![Check::fail(NAME, error.to_string(), messages.fix_database)],
    };
    let ahead = newest.map_or(SignedDuration::ZERO, |newest| newest.duration_since(now));
    let check = if ahead > TOLERANCE {
        let detail = fill(messages.clock_behind, &ahead.as_secs().to_string());
        Check::fail(NAME, detail, messages.fix_clock)
    } else {
        Check::ok(NAME, now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    vec![check]
}

async fn newest(repository: &dyn Repository) -> Result<Option<Timestamp>, RepositoryError> {
    let edit = repository.list_audit(None, 1).await?.first().map(|row| row.entry.at);
    let latest = RequestFilter { limit: 1, ..RequestFilter::default() };
    let request = repository.list_requests(&latest).await?.first().map(|row| row.record.created_at);
    Ok(edit.max(request))
}
