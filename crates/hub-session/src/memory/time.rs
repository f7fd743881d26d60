//! Times as whole milliseconds, half the size of a `Timestamp`.

use std::time::Duration;

use jiff::Timestamp;

/// Milliseconds since 1970, or a span of them.
pub(super) type Ms = i64;

pub(super) fn span(duration: Duration) -> Ms {
    Ms::try_from(duration.as_millis()).unwrap_or(Ms::MAX)
}

pub(super) fn timestamp(ms: Ms) -> Timestamp {
    let nearest = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(ms).unwrap_or(nearest)
}
