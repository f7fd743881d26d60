//! The calendar windows in the system's zone, worked out once for everybody.

use std::collections::HashMap;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use parking_lot::RwLock;

use crate::time::{Ms, timestamp};
use crate::window::{self, Span};

/// Reset times that are remembered: as many as a day has minutes.
const DAYS: usize = 24 * 60;

/// The wall clock that calendar windows follow.
///
/// All owners share the same weeks and months, and days by their reset times: they are kept from one request to
/// the next. A change of the zone moves windows; counters notice and ask to be restored.
#[derive(Debug)]
pub struct Calendar(RwLock<Windows>);

#[derive(Debug)]
struct Windows {
    zone: TimeZone,
    days: HashMap<Time, Span>,
    week: Span,
    month: Span,
}

impl Calendar {
    /// A calendar of this zone.
    pub fn new(zone: TimeZone) -> Self {
        Self(RwLock::new(Windows::new(zone)))
    }

    /// Follows another zone from now on.
    pub fn set_zone(&self, zone: TimeZone) {
        *self.0.write() = Windows::new(zone);
    }

    pub(crate) fn day(&self, reset: Time, now: Ms) -> Span {
        let known = self.0.read().days.get(&reset).copied();
        if let Some(span) = known.filter(|span| span.contains(now)) {
            return span;
        }
        let mut windows = self.0.write();
        let span = window::day(&windows.zone, reset, timestamp(now));
        if windows.days.len() >= DAYS {
            windows.days.clear();
        }
        windows.days.insert(reset, span);
        span
    }

    pub(crate) fn week(&self, now: Ms) -> Span {
        let known = self.0.read().week;
        if known.contains(now) {
            return known;
        }
        let mut windows = self.0.write();
        windows.week = window::week(&windows.zone, timestamp(now));
        windows.week
    }

    pub(crate) fn month(&self, now: Ms) -> Span {
        let known = self.0.read().month;
        if known.contains(now) {
            return known;
        }
        let mut windows = self.0.write();
        windows.month = window::month(&windows.zone, timestamp(now));
        windows.month
    }
}

impl Windows {
    fn new(zone: TimeZone) -> Self {
        Self { zone, days: HashMap::new(), week: Span::NEVER, month: Span::NEVER }
    }
}
