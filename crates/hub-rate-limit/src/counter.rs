//! One counter: what was charged in the current window, and when it will count no longer.

use std::collections::VecDeque;

use crate::restore::{Grain, Wanted};
use crate::rule::{Course, Rule, Slot};
use crate::time::{HOUR, MINUTE, Ms, timestamp};

/// How far back the ledger is read for the first charge of a window of five hours. The windows of somebody who
/// never pauses for five hours in a week may come out shifted.
const ANCHOR_SEARCH: Ms = 7 * 24 * HOUR;

/// More buckets than these are not kept room for once they are gone. A day has 1,440 minutes.
const ROOMY: usize = 64;

/// A running sum with what it takes to forget.
///
/// A counter is *pending* from the moment it is needed until the ledger's sums are in. Meanwhile and thereafter
/// it counts the charges that the ledger's answer does not hold: those at or after the moment it was needed.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    pub(crate) slot: Slot,
    /// The last reset: nothing before it counts.
    floor: Ms,
    /// Calendar: the window's start. Anchored: the first charge.
    start: Ms,
    /// Calendar and anchored: the window's end.
    until: Ms,
    /// The last charge that counted.
    last: Ms,
    sum: i64,
    /// Sliding: by their first moments, ascending. Anchored: what came in while pending.
    buckets: VecDeque<(Ms, i64)>,
    /// It counts charges from then on; what was before comes from the ledger, however late it is told.
    since: Ms,
    /// The ledger's answer is not in.
    is_pending: bool,
}

impl Counter {
    /// A counter for the rule: trusted to be empty, or pending from now on.
    pub(crate) fn new(rule: &Rule, now: Ms, is_trusted: bool) -> Self {
        let (start, until) = match rule.slot.course() {
            Course::Calendar => (rule.span.start, rule.span.end),
            Course::Anchored { .. } => (Ms::MIN, Ms::MIN),
            Course::Sliding { .. } | Course::Total => (Ms::MIN, Ms::MAX),
        };
        Self {
            slot: rule.slot,
            floor: rule.floor,
            start,
            until,
            last: Ms::MIN,
            sum: 0,
            buckets: VecDeque::new(),
            since: if is_trusted { Ms::MIN } else { now },
            is_pending: !is_trusted,
        }
    }

    /// A counter as a shared store tells it: as much as is needed to say how it stands. Without a window it has
    /// the rule's.
    #[cfg(feature = "redis")]
    pub(crate) fn told(
        rule: &Rule,
        window: Option<(Ms, Ms)>,
        sum: i64,
        buckets: VecDeque<(Ms, i64)>,
    ) -> Self {
        let fresh = Self::new(rule, Ms::MIN, true);
        let (start, until) = window.unwrap_or((fresh.start, fresh.until));
        Self { start, until, sum, buckets, ..fresh }
    }

    /// The counter in place of one that can't be told from its sum, pending or trusted as [`Self::new`]. A reset
    /// that was known is still known.
    pub(crate) fn anew(&self, rule: &Rule, now: Ms, is_trusted: bool) -> Self {
        let floor = rule.floor.max(self.floor);
        Self { floor, ..Self::new(rule, now, is_trusted) }
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// Since when it counts itself, if the ledger's answer is not in.
    pub(crate) fn pending(&self) -> Option<Ms> {
        self.is_pending.then_some(self.since)
    }

    /// Turns the window if it is over. A window that was moved (another zone, another reset time, a reset by
    /// somebody else) can't be told from this counter's sum alone: then false, and it has to be made anew.
    pub(crate) fn follow(&mut self, rule: &Rule, now: Ms) -> bool {
        // Rows may be a little stale: a reset that is known is never taken back.
        if rule.floor > self.floor {
            if self.last >= rule.floor || self.is_pending {
                return false;
            }
            self.floor = rule.floor;
            self.clear();
        }
        match self.slot.course() {
            Course::Calendar => self.turn(rule, now),
            Course::Anchored { .. } | Course::Total => true,
            Course::Sliding { span, grain } => {
                self.age(span, grain, now);
                self.is_pending &= self.since.saturating_add(span + grain) > now;
                true
            }
        }
    }

    fn turn(&mut self, rule: &Rule, now: Ms) -> bool {
        let span = rule.span;
        if span.start == self.start {
            self.until = span.end;
            return true;
        }
        if now < self.start {
            // Somebody with a faster clock has turned it already.
            return true;
        }
        let is_next = span.start >= self.until;
        let is_empty = !self.is_pending && span.start > self.start && self.last < span.start;
        if is_next || is_empty {
            (self.start, self.until, self.is_pending) = (span.start, span.end, false);
            self.clear();
        }
        is_next || is_empty
    }

    fn clear(&mut self) {
        self.sum = 0;
        self.buckets.clear();
        if matches!(self.slot.course(), Course::Anchored { .. }) {
            self.until = Ms::MIN;
        }
    }

    fn age(&mut self, span: Ms, grain: Ms, now: Ms) {
        let was_saturated = self.sum == i64::MAX;
        while let Some((start, amount)) = self.buckets.front().copied()
            && start.saturating_add(span + grain) <= now
        {
            self.sum -= amount;
            self.buckets.pop_front();
        }
        if self.buckets.capacity() > ROOMY && self.buckets.len() < self.buckets.capacity() / 4 {
            self.buckets.shrink_to(2 * self.buckets.len());
        }
        if was_saturated {
            self.sum = self.buckets.iter().fold(0, |sum: i64, (_, amount)| sum.saturating_add(*amount));
        }
    }

    /// What counts at this moment, after [`Self::follow`].
    pub(crate) fn used(&self, now: Ms) -> i64 {
        match self.slot.course() {
            Course::Anchored { .. } if now >= self.until => 0,
            _ => self.sum,
        }
    }

    /// Counts a charge, unless its window is over, or a reset or the ledger's answer covers it. What cost nothing
    /// is no charge: it opens no window.
    pub(crate) fn charge(&mut self, at: Ms, amount: i64) {
        if amount <= 0 || at < self.floor || at < self.since {
            return;
        }
        match self.slot.course() {
            Course::Sliding { span, grain } => {
                self.age(span, grain, at);
                self.fill(at - at.rem_euclid(grain), amount);
            }
            Course::Anchored { span } => self.anchor(span, at, amount),
            Course::Calendar => {
                if at < self.start {
                    return;
                }
                if at >= self.until {
                    // Where this window ends is told by the next admission.
                    (self.start, self.until, self.is_pending) = (self.until, Ms::MAX, false);
                    self.sum = 0;
                }
                self.sum = self.sum.saturating_add(amount);
            }
            Course::Total => self.sum = self.sum.saturating_add(amount),
        }
        self.last = self.last.max(at);
    }

    fn fill(&mut self, bucket: Ms, amount: i64) {
        let place = self.buckets.iter().rposition(|(start, _)| *start <= bucket);
        match place.and_then(|place| self.buckets.get_mut(place)).filter(|(start, _)| *start == bucket) {
            Some((_, sum)) => *sum = sum.saturating_add(amount),
            None => self.buckets.insert(place.map_or(0, |place| place + 1), (bucket, amount)),
        }
        self.sum = self.sum.saturating_add(amount);
    }

    fn anchor(&mut self, span: Ms, at: Ms, amount: i64) {
        if self.is_pending {
            // Which window it falls into is known when the earlier ones are.
            match self
                .buckets
                .back_mut()
                .filter(|(first, _)| first.div_euclid(MINUTE) >= at.div_euclid(MINUTE))
            {
                Some((_, sum)) => *sum = sum.saturating_add(amount),
                None => self.buckets.push_back((at, amount)),
            }
        } else if at >= self.until {
            (self.start, self.until, self.sum) = (at, at.saturating_add(span), amount);
        } else {
            self.sum = self.sum.saturating_add(amount);
        }
    }

    /// What the ledger is asked for.
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        let before = self.pending()?;
        let (from, grain) = match self.slot.course() {
            Course::Sliding { span, grain } if self.slot == Slot::Rpm => {
                (before - span - grain, Grain::Second)
            }
            Course::Sliding { span, grain } => (before - span - grain, Grain::Minute),
            Course::Anchored { .. } => (before - ANCHOR_SEARCH, Grain::Minute),
            Course::Calendar => (self.start, Grain::Whole),
            Course::Total => (Ms::MIN, Grain::Whole),
        };
        let from = from.max(self.floor);
        Some(Wanted { slot: self.slot, from: (from > Ms::MIN).then(|| timestamp(from)), grain })
    }

    /// Takes the ledger's answer to a question asked at `before`: from then on the counter is trusted. An answer
    /// to another question is not for this counter.
    pub(crate) fn restore(&mut self, wanted: Wanted, before: Ms, past: &[(Ms, i64)]) {
        if self.pending() != Some(before) || self.wanted() != Some(wanted) {
            return;
        }
        (self.is_pending, self.since) = (false, Ms::MIN);
        // What came in meanwhile follows what was before.
        let since = match self.slot.course() {
            Course::Anchored { .. } => std::mem::take(&mut self.buckets),
            _ => VecDeque::new(),
        };
        let first = self.start.max(self.floor);
        for (at, amount) in past.iter().copied().filter(|(at, _)| *at < before).chain(since) {
            if wanted.grain != Grain::Whole {
                self.charge(at, amount);
            } else if before > first {
                // A sum may hold charges up to the last moment.
                self.charge(first.max(before - 1), amount);
            }
        }
        self.since = before;
    }

    /// Charges before this moment count no longer. False = what is left can't be told from the sum.
    pub(crate) fn reset(&mut self, at: Ms) -> bool {
        if at <= self.floor {
            return true;
        }
        let is_told = self.last < at && (!self.is_pending || self.since <= at);
        if is_told {
            (self.floor, self.is_pending) = (at, false);
            self.clear();
        }
        is_told
    }

    /// Takes over what a shared store says, unless more is known here: charges on their way there. Others'
    /// charges that come to light count as if they were made now, so that they never count too little.
    #[cfg(feature = "redis")]
    pub(crate) fn take_over(&mut self, rule: &Rule, told: &Self, now: Ms) {
        if self.is_pending {
            *self = self.anew(rule, now, true);
        }
        let sum = told.used(now);
        match self.slot.course() {
            Course::Sliding { grain, .. } => {
                if sum > self.sum {
                    self.fill(now - now.rem_euclid(grain), sum - self.sum);
                }
            }
            Course::Anchored { .. } if now >= told.until => return,
            Course::Anchored { .. } => {
                self.sum = sum.max(self.used(now));
                (self.start, self.until) = (told.start, told.until);
            }
            Course::Calendar if told.start > self.start => {
                (self.start, self.until, self.sum) = (told.start, told.until, sum);
            }
            Course::Calendar if told.start < self.start => return,
            Course::Calendar | Course::Total => self.sum = self.sum.max(sum),
        }
        if sum > 0 {
            self.last = self.last.max(now);
        }
    }

    /// When so much has aged out, or the window has turned, that no more than `target` is left. `None` = never.
    pub(crate) fn falls_to(&self, target: i64, now: Ms) -> Option<Ms> {
        match self.slot.course() {
            Course::Total => None,
            Course::Calendar => Some(self.until),
            Course::Anchored { .. } => (now < self.until).then_some(self.until),
            Course::Sliding { span, grain } => {
                let mut left = self.sum;
                let enough = self.buckets.iter().find(|(_, amount)| {
                    left = left.saturating_sub(*amount);
                    left <= target
                });
                enough.or_else(|| self.buckets.back()).map(|(start, _)| start.saturating_add(span + grain))
            }
        }
    }

    /// When nothing of what counts now will count any more.
    pub(crate) fn empties(&self, now: Ms) -> Option<Ms> {
        self.falls_to(0, now).filter(|_| self.used(now) > 0 || self.slot.course() == Course::Calendar)
    }

    /// Does it hold something that would be lost with it, because no ledger has it?
    pub(crate) fn is_live_rpm(&self, now: Ms) -> bool {
        self.slot == Slot::Rpm
            && self.buckets.back().is_some_and(|(start, _)| start.saturating_add(MINUTE + MINUTE) > now)
    }
}
