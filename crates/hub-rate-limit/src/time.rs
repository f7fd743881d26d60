//! Times as whole milliseconds: what counters, scripts and comparisons are made of.

use std::time::Duration;

use jiff::Timestamp;

/// Milliseconds since 1970, or a span of them.
pub(crate) type Ms = i64;

pub(crate) const SECOND: Ms = 1000;
pub(crate) const MINUTE: Ms = 60 * SECOND;
pub(crate) const HOUR: Ms = 60 * MINUTE;

/// The millisecond that a moment lies in. Rounded towards the past on both sides of 1970.
pub(crate) fn ms(moment: Timestamp) -> Ms {
    let truncated = moment.as_millisecond();
    if moment.as_nanosecond() < i128::from(truncated) * 1_000_000 { truncated - 1 } else { truncated }
}

pub(crate) fn span(duration: Duration) -> Ms {
    Ms::try_from(duration.as_millis()).unwrap_or(Ms::MAX)
}

pub(crate) fn timestamp(ms: Ms) -> Timestamp {
    let nearest = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(nearest)
}

/// How long from one moment to a later one; nothing if it has passed.
pub(crate) fn until(moment: Ms, now: Ms) -> Duration {
    Duration::from_millis(u64::try_from(moment.saturating_sub(now)).unwrap_or(0))
}
