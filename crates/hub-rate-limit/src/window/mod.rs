//! Which calendar window a moment lies in: a day from its reset time, a week from Monday, a month from the 1st.
//!
//! Wall clocks jump. A reset time that a day does not have falls to the first instant after the gap; one that
//! it has twice falls to the first of them. Windows therefore always touch: none overlaps, nothing is between.

#[cfg(test)]
mod tests;

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use crate::time::{Ms, ms};

/// From `start` until right before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first moment, in milliseconds since 1970.
    pub start: i64,
    /// The next window's first moment.
    pub end: i64,
}

impl Span {
    /// All the time there is.
    pub(crate) const ALWAYS: Self = Self { start: Ms::MIN, end: Ms::MAX };
    /// No time at all.
    pub(crate) const NEVER: Self = Self { start: Ms::MAX, end: Ms::MIN };

    pub(crate) const fn contains(self, now: Ms) -> bool {
        self.start <= now && now < self.end
    }
}

/// The day that began with the last reset time.
pub fn day(zone: &TimeZone, reset: Time, now: Timestamp) -> Span {
    let today = zone.to_datetime(now).date();
    around(zone, reset, now, (-2..=2).filter_map(|days: i32| today.checked_add(days.days()).ok()))
}

/// The week that began on Monday, 00:00.
pub fn week(zone: &TimeZone, now: Timestamp) -> Span {
    let today = zone.to_datetime(now).date();
    let since_monday = i32::from(today.weekday().to_monday_zero_offset());
    let mondays = (-1..=2).filter_map(|weeks: i32| today.checked_add((weeks * 7 - since_monday).days()).ok());
    around(zone, Time::midnight(), now, mondays)
}

/// The month that began on the 1st, 00:00.
pub fn month(zone: &TimeZone, now: Timestamp) -> Span {
    let first = zone.to_datetime(now).date().first_of_month();
    let firsts = (-1..=2).filter_map(|months: i32| first.checked_add(months.months()).ok());
    around(zone, Time::midnight(), now, firsts)
}

/// Between the last turn that has been and the first one that is to come, out of some days around.
fn around(zone: &TimeZone, time: Time, now: Timestamp, days: impl Iterator<Item = Date>) -> Span {
    let mut span = Span::ALWAYS;
    for turn in days.filter_map(|day| turn(zone, day, time)) {
        if turn <= now {
            span.start = span.start.max(ms(turn));
        } else {
            span.end = span.end.min(ms(turn));
        }
    }
    span
}

/// The instant at which clocks show this time on this day. `None` beyond the years that the calendar knows.
fn turn(zone: &TimeZone, day: Date, time: Time) -> Option<Timestamp> {
    let wall = day.to_datetime(time);
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok(),
        // The offset before the clocks went back belongs to the first of the two.
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset that is not valid yet, a skipped time lies before the jump.
            let earlier = after.to_timestamp(wall).ok()?;
            zone.following(earlier).next().map(|jump| jump.timestamp())
        }
    }
}
