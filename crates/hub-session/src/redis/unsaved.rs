//! The sessions whose last binding did not reach Redis: a bounded note of them.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use hub_types::SessionId;

/// See the module's documentation. When it is full the oldest one is forgotten.
#[derive(Debug)]
pub(super) struct Unsaved {
    noted: Mutex<Noted>,
    /// How many: nearly always none, and then nobody takes the lock.
    count: AtomicUsize,
    most: usize,
}

#[derive(Debug, Default)]
struct Noted {
    sessions: HashSet<SessionId>,
    /// In the order of their coming; those that were removed since are passed over.
    order: VecDeque<SessionId>,
}

impl Unsaved {
    pub(super) fn new(most: usize) -> Self {
        Self { noted: Mutex::default(), count: AtomicUsize::new(0), most: most.max(1) }
    }

    pub(super) fn note(&self, session: &SessionId) {
        let mut noted = self.noted.lock();
        if noted.sessions.insert(session.clone()) {
            noted.order.push_back(session.clone());
            // One that went and came again is in the order twice; so the order is what is bounded.
            while noted.order.len() > self.most {
                let Some(oldest) = noted.order.pop_front() else { break };
                noted.sessions.remove(&oldest);
            }
        }
        self.count.store(noted.sessions.len(), Ordering::Release);
    }

    pub(super) fn forget(&self, session: &SessionId) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut noted = self.noted.lock();
        noted.sessions.remove(session);
        if noted.sessions.is_empty() {
            noted.order.clear();
        }
        self.count.store(noted.sessions.len(), Ordering::Release);
    }

    pub(super) fn contains(&self, session: &SessionId) -> bool {
        self.count.load(Ordering::Acquire) != 0 && self.noted.lock().sessions.contains(session)
    }
}

#[cfg(test)]
mod tests {
    use hub_types::{KeyId, SessionId};

    use super::Unsaved;

    #[test]
    fn the_oldest_one_is_forgotten_when_it_is_full() {
        let unsaved = Unsaved::new(2);
        let sessions = ["a", "b", "c"].map(|id| SessionId::new(KeyId(1), id));
        for session in &sessions {
            unsaved.note(session);
        }
        assert_eq!(sessions.each_ref().map(|session| unsaved.contains(session)), [false, true, true]);
        for session in &sessions {
            unsaved.forget(session);
            assert!(!unsaved.contains(session));
        }
    }
}
