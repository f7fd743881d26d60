//! The keys in Redis. Each command and each script is about one of them, so a cluster can take them all.

use hub_types::ProviderId;

use crate::alert::Occasion;

/// The hash of a breaker: see [`FIELDS`].
pub(super) fn state(provider: ProviderId) -> String {
    format!("circuit_breaker:state:{provider}")
}

/// There while nothing further of the kind is due.
pub(super) fn turn(occasion: Occasion, provider: ProviderId) -> String {
    format!("circuit_breaker:{}:{provider}", occasion.as_str())
}

/// What a breaker's hash has, in the order of the script.
pub(super) const FIELDS: [&str; 6] =
    ["state", "failure_count", "opened_at", "half_open_successes", "trial_until", "changed_at"];
