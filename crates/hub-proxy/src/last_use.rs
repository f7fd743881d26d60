//! When each provider was last used: what the pick `least_recently_used` goes by. In this process; who shares it with
//! other instances takes what is new and brings what they say.

use std::collections::HashMap;

use hub_types::ProviderId;
use parking_lot::Mutex;

/// More providers are not remembered; those beyond count as never used.
const MOST: usize = 10_000;

/// See the module's documentation. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub struct LastUse(Mutex<HashMap<ProviderId, Use>>);

#[derive(Debug, Clone, Copy)]
struct Use {
    at: i64,
    is_told: bool,
}

impl LastUse {
    /// When a provider was last used; 0 = never.
    pub fn of(&self, provider: ProviderId) -> i64 {
        self.0.lock().get(&provider).map_or(0, |one| one.at)
    }

    /// It is used now.
    pub fn note(&self, provider: ProviderId, now: i64) {
        self.put(provider, now, false);
    }

    /// What others are to be told, with the numbers as they are now; it counts as told from here on.
    pub fn take_news(&self) -> Vec<(ProviderId, i64)> {
        let mut all = self.0.lock();
        let news = all.iter_mut().filter_map(|(provider, one)| {
            let was_told = std::mem::replace(&mut one.is_told, true);
            (!was_told).then_some((*provider, one.at))
        });
        news.collect()
    }

    /// What others say: the later time counts.
    pub fn learn(&self, provider: ProviderId, at: i64) {
        self.put(provider, at, true);
    }

    fn put(&self, provider: ProviderId, at: i64, is_told: bool) {
        let mut all = self.0.lock();
        let is_full = all.len() >= MOST;
        match all.get_mut(&provider) {
            Some(one) if one.at >= at => {}
            Some(one) => *one = Use { at, is_told },
            None if is_full => {}
            None => {
                all.insert(provider, Use { at, is_told });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_time_counts_and_only_what_happened_here_is_news() {
        let (used, p) = (LastUse::default(), ProviderId(1));
        assert_eq!((used.of(p), used.take_news()), (0, vec![]));
        used.note(p, 5);
        assert_eq!((used.take_news(), used.take_news()), (vec![(p, 5)], vec![]));
        used.learn(p, 9);
        used.learn(p, 7);
        assert_eq!((used.of(p), used.take_news()), (9, vec![]));
        used.note(p, 8);
        assert_eq!((used.of(p), used.take_news()), (9, vec![]));
        used.note(p, 10);
        assert_eq!(used.take_news(), [(p, 10)]);
    }
}
