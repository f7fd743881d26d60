//! What the last request of each session really used: the best there is to go by for the next one.
//!
//! A table of a fixed size, where a session has one place; of two that share a place the later one has it. Whoever
//! is forgotten is judged by the request alone.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use hub_types::{SessionId, Usage};
use parking_lot::Mutex;

use super::LastRequest;

const SHARDS: usize = 64;
/// Places of a shard, which are made with the first session in it.
const PLACES: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Of session and model: the figures of another model mean nothing.
    fingerprint: u64,
    estimated: u64,
    used: Usage,
    ended: Instant,
}

/// See the module's documentation. It needs less than 1 MB.
#[derive(Debug)]
pub(crate) struct Previous {
    shards: [Mutex<Vec<Option<Entry>>>; SHARDS],
}

impl Default for Previous {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

/// A session's talk with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thread(u64);

impl Thread {
    pub(crate) fn new(session: &SessionId, model: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (session.as_str(), model).hash(&mut hasher);
        Self(hasher.finish())
    }

    fn shard(self) -> usize {
        usize::try_from(self.0 % SHARDS as u64).unwrap_or(0)
    }

    fn place(self) -> usize {
        usize::try_from(self.0 / SHARDS as u64 % PLACES as u64).unwrap_or(0)
    }
}

impl Previous {
    /// A request has ended, and said what it used.
    pub(crate) fn remember(&self, thread: Thread, estimated: u64, used: Usage) {
        let Some(shard) = self.shards.get(thread.shard()) else { return };
        let mut places = shard.lock();
        if places.is_empty() {
            places.resize(PLACES, None);
        }
        if let Some(place) = places.get_mut(thread.place()) {
            *place = Some(Entry { fingerprint: thread.0, estimated, used, ended: Instant::now() });
        }
    }

    /// The one before.
    pub(crate) fn last(&self, thread: Thread) -> Option<LastRequest> {
        let entry = (*self.shards.get(thread.shard())?.lock().get(thread.place())?)?;
        (entry.fingerprint == thread.0).then(|| LastRequest {
            estimated: entry.estimated,
            used: entry.used,
            age: entry.ended.elapsed(),
        })
    }
}

#[cfg(test)]
mod tests {
    use hub_types::KeyId;

    use super::*;

    fn thread(session: usize, model: &str) -> Thread {
        Thread::new(&SessionId::new(KeyId(1), &session.to_string()), model)
    }

    #[test]
    fn a_session_is_known_by_its_last_request_to_the_same_model() {
        let previous = Previous::default();
        assert_eq!(previous.last(thread(1, "m")), None);
        for input in [10, 20] {
            previous.remember(thread(1, "m"), 7, Usage { input, ..Usage::default() });
        }
        let last = previous.last(thread(1, "m")).unwrap();
        assert_eq!((last.estimated, last.used.input), (7, 20));
        assert_eq!(previous.last(thread(1, "n")), None);
        assert_eq!(previous.last(thread(2, "m")), None);
    }

    #[test]
    fn however_many_sessions_there_are_nobody_gets_anothers_figures() {
        let previous = Previous::default();
        let sessions = 4 * SHARDS * PLACES;
        for session in 0..sessions {
            previous.remember(thread(session, "m"), session as u64, Usage::default());
        }
        let known = (0..sessions).filter_map(|session| Some((session, previous.last(thread(session, "m"))?)));
        let known: Vec<_> = known.collect();
        assert!(known.iter().all(|(session, last)| last.estimated == *session as u64));
        assert!(known.len() <= SHARDS * PLACES);
        assert!(previous.last(thread(sessions - 1, "m")).is_some());
    }
}
