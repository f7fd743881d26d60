//! What waits in the queue and is not in Redis yet: the bindings and conversation hashes that a request which
//! comes a moment later must find all the same.
//!
//! Everything here belongs to an entry of the queue, and leaves with it; so the queue's bound is its bound.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use parking_lot::Mutex;
use smallvec::SmallVec;

use hub_types::{KeyId, ProviderId, SessionId};

use super::write::{Departure, Write};
use crate::{BindingChange, ConversationHash};

/// What becomes of a session's binding once the queue is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Becomes {
    /// It is to this provider.
    Bound(ProviderId),
    /// There is none.
    Unbound,
    /// There is none if it is to this provider now.
    UnboundFrom(ProviderId),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    bindings: HashMap<SessionId, Counted<Becomes>>,
    conversations: HashMap<(KeyId, ConversationHash), Counted<SessionId>>,
}

/// The latest, and how many entries of the queue are about it.
#[derive(Debug)]
struct Counted<T> {
    latest: T,
    entries: u32,
}

impl Becomes {
    /// The binding, given what Redis had before the queue is written.
    pub(super) fn after(self, before: Option<ProviderId>) -> Option<ProviderId> {
        match self {
            Self::Bound(provider) => Some(provider),
            Self::Unbound => None,
            Self::UnboundFrom(provider) => before.filter(|bound| *bound != provider),
        }
    }

    /// What two changes amount to, this one being the second.
    fn following(self, earlier: Self) -> Self {
        match (earlier, self) {
            (Self::Bound(bound), Self::UnboundFrom(provider)) if bound == provider => Self::Unbound,
            (Self::Bound(_) | Self::Unbound, Self::UnboundFrom(_)) => earlier,
            _ => self,
        }
    }
}

impl Pending {
    /// An entry is about to join the queue.
    pub(super) fn add(&self, write: &Write) {
        let (change, departure) = (change_of(write), departure_of(write));
        if change.is_none() && departure.is_none() {
            return;
        }
        let mut waiting = self.0.lock();
        if let Some((session, becomes)) = change {
            waiting.bind(session, becomes);
        }
        if let Some(departure) = departure {
            waiting.lead(departure);
        }
    }

    /// An entry has left the queue: it is in Redis, or lost.
    pub(super) fn remove(&self, write: &Write) {
        let (change, departure) = (change_of(write), departure_of(write));
        if change.is_none() && departure.is_none() {
            return;
        }
        let mut waiting = self.0.lock();
        if let Some((session, _)) = change {
            leave(&mut waiting.bindings, session);
        }
        if let Some(departure) = departure {
            for hash in hashes_of(departure) {
                leave(&mut waiting.conversations, &(departure.session.key(), hash));
            }
        }
    }

    /// What is going to become of a session's binding, if anything is.
    pub(super) fn binding_of(&self, session: &SessionId) -> Option<Becomes> {
        self.0.lock().bindings.get(session).map(|known| known.latest)
    }

    /// For each of the hashes the session that it is going to lead to, if that is known.
    pub(super) fn sessions_at(
        &self,
        key: KeyId,
        hashes: &[ConversationHash],
    ) -> SmallVec<[Option<SessionId>; 4]> {
        let waiting = self.0.lock();
        if waiting.conversations.is_empty() {
            return hashes.iter().map(|_| None).collect();
        }
        let session =
            |hash: &ConversationHash| waiting.conversations.get(&(key, *hash)).map(|one| one.latest.clone());
        hashes.iter().map(session).collect()
    }

    /// Is nothing waiting?
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.0.lock();
        waiting.bindings.is_empty() && waiting.conversations.is_empty()
    }
}

impl Waiting {
    fn bind(&mut self, session: &SessionId, becomes: Becomes) {
        match self.bindings.entry(session.clone()) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                (known.latest, known.entries) = (becomes.following(known.latest), known.entries + 1);
            }
            Entry::Vacant(place) => {
                place.insert(Counted { latest: becomes, entries: 1 });
            }
        }
    }

    fn lead(&mut self, departure: &Departure) {
        for hash in hashes_of(departure) {
            let latest = departure.session.clone();
            match self.conversations.entry((latest.key(), hash)) {
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    (known.latest, known.entries) = (latest, known.entries + 1);
                }
                Entry::Vacant(place) => {
                    place.insert(Counted { latest, entries: 1 });
                }
            }
        }
    }
}

fn departure_of(write: &Write) -> Option<&Departure> {
    if let Write::Departure(departure) = write { Some(departure) } else { None }
}

fn change_of(write: &Write) -> Option<(&SessionId, Becomes)> {
    match write {
        Write::Departure(departure) => match departure.binding {
            BindingChange::Keep => None,
            BindingChange::Bind(provider) => Some((&departure.routing, Becomes::Bound(provider))),
            BindingChange::Drop => Some((&departure.routing, Becomes::Unbound)),
        },
        Write::Unbound { session, provider } => Some((session, Becomes::UnboundFrom(*provider))),
        _ => None,
    }
}

/// The hashes that lead to the departure's session from now on: its answer's, and of its conversation the deepest
/// one that is new. Should it turn out that somebody else was first, the session goes on as a branch later on;
/// what the hashes before it become depends on Redis.
fn hashes_of(departure: &Departure) -> SmallVec<[ConversationHash; 2]> {
    let deepest = departure.trail.as_ref().and_then(|trail| trail.parts().1.last().copied());
    departure.answer.into_iter().chain(deepest).collect()
}

fn leave<K: Eq + Hash, T>(waiting: &mut HashMap<K, Counted<T>>, key: &K) {
    if let Some(known) = waiting.get_mut(key) {
        known.entries = known.entries.saturating_sub(1);
        if known.entries == 0 {
            waiting.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
