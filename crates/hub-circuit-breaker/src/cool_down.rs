//! Pauses that upstreams asked for: a provider that said 429 is not asked again before the time it named.
//!
//! Kept in this process only. Every instance hears the same from the provider soon enough, and a pause is short.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hub_types::ProviderId;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

/// No pause is longer, unless something else is set.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// See the module's documentation.
#[derive(Debug)]
pub struct CoolDowns {
    longest: Duration,
    until: Mutex<HashMap<ProviderId, Timestamp>>,
    /// As many as there are: nobody takes the lock while nobody pauses.
    count: AtomicUsize,
}

impl CoolDowns {
    /// Nobody pauses yet. Pauses will be no longer than this; zero means that there will be none.
    pub fn new(longest: Duration) -> Self {
        Self { longest, until: Mutex::default(), count: AtomicUsize::new(0) }
    }

    /// The provider pauses from now on for so long, within bounds. A longer pause under way stays.
    pub fn pause(&self, provider: ProviderId, pause: Duration, now: Timestamp) {
        let pause = SignedDuration::try_from(pause.min(self.longest)).unwrap_or_default();
        if pause.is_zero() {
            return;
        }
        let until = now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        let mut all = self.until.lock();
        let known = all.entry(provider).or_insert(until);
        *known = until.max(*known);
        self.count.store(all.len(), Ordering::Release);
    }

    /// Until when the provider pauses, if it does.
    pub fn until(&self, provider: ProviderId, now: Timestamp) -> Option<Timestamp> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.until.lock().get(&provider).copied().filter(|until| *until > now)
    }

    /// The provider may be asked at once.
    pub fn end(&self, provider: ProviderId) {
        let mut all = self.until.lock();
        all.remove(&provider);
        self.count.store(all.len(), Ordering::Release);
    }

    /// Forgets pauses that are over. To be called now and then.
    pub fn sweep(&self, now: Timestamp) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut all = self.until.lock();
        all.retain(|_, until| *until > now);
        self.count.store(all.len(), Ordering::Release);
    }
}

impl Default for CoolDowns {
    fn default() -> Self {
        Self::new(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ProviderId = ProviderId(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_pause_lasts_as_long_as_was_asked_for_and_no_longer_than_the_longest() {
        let pauses = CoolDowns::default();
        assert_eq!(pauses.until(A, at(0)), None);
        pauses.pause(A, Duration::from_secs(7), at(0));
        assert_eq!(pauses.until(A, at(6)), Some(at(7)));
        assert_eq!(pauses.until(A, at(7)), None);
        assert_eq!(pauses.until(ProviderId(2), at(6)), None);
        pauses.pause(A, Duration::MAX, at(0));
        assert_eq!(pauses.until(A, at(6)), Some(at(300)));
    }

    #[test]
    fn where_none_is_allowed_nobody_pauses() {
        let pauses = CoolDowns::new(Duration::ZERO);
        pauses.pause(A, Duration::from_secs(7), at(0));
        assert_eq!(pauses.until(A, at(0)), None);
    }

    #[test]
    fn a_shorter_pause_does_not_cut_a_longer_one_short() {
        let pauses = CoolDowns::default();
        pauses.pause(A, Duration::from_secs(60), at(0));
        pauses.pause(A, Duration::from_secs(7), at(1));
        assert_eq!(pauses.until(A, at(30)), Some(at(60)));
    }

    #[test]
    fn a_pause_ends_by_hand_and_is_forgotten_when_it_is_over() {
        let pauses = CoolDowns::default();
        pauses.pause(A, Duration::from_secs(60), at(0));
        pauses.end(A);
        assert_eq!(pauses.until(A, at(1)), None);
        pauses.pause(A, Duration::from_secs(60), at(0));
        pauses.sweep(at(59));
        assert_eq!(pauses.until(A, at(59)), Some(at(60)));
        pauses.sweep(at(60));
        assert!(pauses.until.lock().is_empty());
    }
}
