//! Times as whole milliseconds: what the machine, the script and their comparison are made of.

use jiff::Timestamp;

/// Milliseconds since 1970, or a span of them.
pub(crate) type Ms = i64;

/// The millisecond that a moment lies in; none is before 1970.
pub(crate) fn ms(moment: Timestamp) -> Ms {
    moment.as_millisecond().max(0)
}

/// The other way round, for people to read.
pub(crate) fn timestamp(ms: Ms) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}
