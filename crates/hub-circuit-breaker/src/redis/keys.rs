//! The keys in Redis. Each command and each script is about one of them, so a cluster can take them all.

use hub_types::ProviderId;

/// The hash of a breaker: see [`FIELDS`].
pub(super) fn state(provider: ProviderId) -> String {
    format!("circuit_breaker:state:{provider}")
}

/// There while no further alert about the provider is due.
pub(super) fn alert(provider: ProviderId) -> String {
    format!("circuit_breaker:alert:{provider}")
}

/// What a breaker's hash has, in the order of the script.
pub(super) const FIELDS: [&str; 6] =
    ["state", "failure_count", "opened_at", "half_open_successes", "trial_until", "changed_at"];
