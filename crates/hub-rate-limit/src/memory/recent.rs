//! The charges that are in already, so that telling one twice changes nothing.

use std::collections::{HashSet, VecDeque};

use hub_types::{AttemptId, RequestId};

/// How many a shard remembers.
pub(super) const REMEMBERED: usize = 4_096;

/// What was charged, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Charged {
    /// A request, to key and user.
    Request(RequestId),
    /// A late attempt, to key and user.
    Caller(AttemptId),
    /// An attempt, to its provider.
    Provider(AttemptId),
}

#[derive(Default)]
pub(super) struct Recent {
    known: HashSet<Charged>,
    order: VecDeque<Charged>,
}

impl Recent {
    /// False if it was there already. The oldest one goes when there are too many.
    pub(super) fn insert(&mut self, charged: Charged) -> bool {
        if !self.known.insert(charged) {
            return false;
        }
        self.order.push_back(charged);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
