//! Sessions, times, rules, and waiting for a condition.

use std::time::Duration;

use hub_session::PoolRules;
use hub_types::{KeyId, SessionId};
use jiff::Timestamp;

/// Random bits that always move the pool on, to the first of the others.
pub(crate) const FIRST: u64 = 0;

pub(crate) fn session(name: &str) -> SessionId {
    SessionId::new(KeyId(7), name)
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
}

/// In use, moving on at every request but not within 1000 ms, with two members at least and four at most.
pub(crate) fn rules() -> PoolRules {
    PoolRules {
        enabled: true,
        min_size: 2,
        max_size: 4,
        switch_probability: 1.0,
        min_switch_interval: Duration::from_secs(1),
    }
}

/// Waits for a condition, at most ten seconds.
#[cfg(feature = "redis")]
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(std::time::Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
