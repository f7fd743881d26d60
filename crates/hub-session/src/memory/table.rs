//! The sessions: found by id, in the order of their use, counted per key, user and provider.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hub_types::{KeyId, ProviderId, SessionId, UserId};

use super::models::Models;
use super::record::{Binding, Record, Slot};
use super::slab::{Ix, MOST, Slab};
use super::tally::{SlotTally, Tally};
use super::time::Ms;

/// The list of all sessions in the order of use: who is at its front goes when there are too many.
const USE: usize = 0;
/// The list of those that count, in the order in which they were last seen. They all count for the same time,
/// so whoever's time is over is at the front.
const ACTIVE: usize = 1;

/// For whom sessions count.
#[derive(Clone, Copy)]
pub(super) enum Whose {
    Key(KeyId),
    User(UserId),
}

/// See the module's documentation.
pub(super) struct Table {
    slab: Slab<Record, 2>,
    index: HashTable<Ix>,
    hasher: RandomState,
    keys: Tally<KeyId>,
    users: Tally<UserId>,
    slots: SlotTally,
    pub(super) models: Models,
    /// What the ids take outside the slab.
    id_bytes: usize,
    max: usize,
    pub(super) ttl: Ms,
}

impl Table {
    pub(super) fn new(max: usize, ttl: Ms) -> Self {
        Self {
            slab: Slab::new(),
            index: HashTable::new(),
            hasher: RandomState::new(),
            keys: Tally::new(),
            users: Tally::new(),
            slots: SlotTally::new(),
            models: Models::new(),
            id_bytes: 0,
            max: max.clamp(1, MOST),
            ttl,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(super) fn get(&self, ix: Ix) -> Option<&Record> {
        self.slab.get(ix)
    }

    /// For changes of what is neither counted nor ordered.
    pub(super) fn get_mut(&mut self, ix: Ix) -> Option<&mut Record> {
        self.slab.get_mut(ix)
    }

    /// The session, if anything is known of it. What has expired is removed on the way.
    pub(super) fn live(&mut self, id: &SessionId, now: Ms) -> Option<Ix> {
        let hash = self.hasher.hash_one(id);
        let slab = &self.slab;
        let ix = *self.index.find(hash, |ix| slab.get(*ix).is_some_and(|record| record.id == *id))?;
        self.prune(ix, now);
        if self.is_dead(ix, now) {
            self.remove(ix);
            return None;
        }
        Some(ix)
    }

    /// The session; a new one if nothing is known of it, for which the least recently used one may have to go.
    pub(super) fn live_or_new(&mut self, id: &SessionId, now: Ms) -> Ix {
        if let Some(ix) = self.live(id, now) {
            return ix;
        }
        while self.slab.len() >= self.max
            && let Some(oldest) = self.slab.front(USE)
        {
            self.remove(oldest);
        }
        let ix = self.slab.insert(Record::new(id.clone(), now));
        self.slab.touch(USE, ix);
        let (slab, hasher) = (&self.slab, &self.hasher);
        let rehash = |ix: &Ix| slab.get(*ix).map_or(0, |record| hasher.hash_one(&record.id));
        self.index.insert_unique(hasher.hash_one(id), ix, rehash);
        self.id_bytes += allocation(id);
        ix
    }

    /// Forgets everything about a session.
    pub(super) fn remove(&mut self, ix: Ix) {
        self.stop_counting(ix);
        let Some(record) = self.slab.remove(ix) else { return };
        for slot in &record.slots {
            self.slots.remove(slot.provider);
        }
        if let Ok(entry) = self.index.find_entry(self.hasher.hash_one(&record.id), |other| *other == ix) {
            entry.remove();
        }
        self.id_bytes = self.id_bytes.saturating_sub(allocation(&record.id));
    }

    /// Ends the counting of those whose time is over, and forgets those of whom nothing else is known.
    pub(super) fn settle(&mut self, now: Ms) {
        while let Some(ix) = self.slab.front(ACTIVE)
            && self.slab.get(ix).is_some_and(|record| self.is_over(record.last_seen, now))
        {
            self.stop_counting(ix);
            self.prune(ix, now);
            if self.is_dead(ix, now) {
                self.remove(ix);
            }
        }
    }

    pub(super) fn is_active(&self, ix: Ix) -> bool {
        self.slab.is_attached(ACTIVE, ix)
    }

    /// Those that count, the most recently seen first.
    pub(super) fn active(&self) -> impl Iterator<Item = &Record> {
        self.slab.backwards(ACTIVE).map(|(_, record)| record)
    }

    /// Since when the one that was silent for longest is, of those that count for the key or the user. Everybody
    /// is looked through only if the one that was it when this was last asked has been seen since: nobody else
    /// can have become older than it was.
    pub(super) fn longest_silent(&mut self, whose: Whose) -> Option<Ms> {
        let belongs = |record: &Record| match whose {
            Whose::Key(key) => record.id.key() == key,
            Whose::User(user) => record.user == user,
        };
        let remembered = match whose {
            Whose::Key(key) => self.keys.silent(key),
            Whose::User(user) => self.users.silent(user),
        };
        if let Some((ix, since)) = remembered
            && self.is_active(ix)
            && self.get(ix).is_some_and(|record| record.last_seen == since && belongs(record))
        {
            return Some(since);
        }
        let mut silent =
            self.slab.forwards(ACTIVE).map(|(ix, record)| (ix, record.last_seen, belongs(record)));
        let (ix, since, _) = silent.find(|(_, _, belongs)| *belongs)?;
        drop(silent);
        match whose {
            Whose::Key(key) => self.keys.set_silent(key, ix, since),
            Whose::User(user) => self.users.set_silent(user, ix, since),
        }
        Some(since)
    }

    pub(super) fn count_of_key(&self, key: KeyId) -> u32 {
        self.keys.get(key)
    }

    pub(super) fn count_of_user(&self, user: UserId) -> u32 {
        self.users.get(user)
    }

    /// It was used: others go first now when there are too many.
    pub(super) fn used(&mut self, ix: Ix) {
        self.slab.touch(USE, ix);
    }

    /// It was seen: from now on it counts, for its key and this user, for the time of a session.
    pub(super) fn visited(&mut self, ix: Ix, user: UserId, now: Ms) {
        let Some(record) = self.slab.get(ix) else { return };
        if record.user != user {
            self.stop_counting(ix);
        }
        let Some(record) = self.slab.get_mut(ix) else { return };
        record.user = user;
        self.seen(ix, now);
    }

    /// It was seen by something else than a visit. Before its first visit nobody knows for whom it would count.
    pub(super) fn seen(&mut self, ix: Ix, now: Ms) {
        self.slab.touch(USE, ix);
        let is_active = self.is_active(ix);
        let Some(record) = self.slab.get_mut(ix) else { return };
        record.last_seen = now;
        if record.is_visited() {
            if !is_active {
                self.keys.add(record.id.key());
                self.users.add(record.user);
            }
            self.slab.touch(ACTIVE, ix);
        }
    }

    fn stop_counting(&mut self, ix: Ix) {
        if self.is_active(ix)
            && let Some(record) = self.slab.get(ix)
        {
            self.keys.remove(record.id.key());
            self.users.remove(record.user);
            self.slab.detach(ACTIVE, ix);
        }
    }

    pub(super) fn bind(&mut self, ix: Ix, provider: ProviderId, ttl: Ms, now: Ms) {
        if let Some(record) = self.slab.get_mut(ix) {
            record.binding = Some(Binding::new(provider, ttl, now));
        }
    }

    /// Has the session a slot at the provider?
    pub(super) fn has_slot(&self, ix: Ix, provider: ProviderId) -> bool {
        self.get(ix).is_some_and(|record| record.slots.iter().any(|slot| slot.provider == provider))
    }

    /// Counts the session at the provider, from now on for the time of a session.
    pub(super) fn set_slot(&mut self, ix: Ix, provider: ProviderId, now: Ms) {
        let Some(record) = self.slab.get_mut(ix) else { return };
        if let Some(slot) = record.slots.iter_mut().find(|slot| slot.provider == provider) {
            slot.seen = now;
        } else {
            record.slots.push(Slot { provider, seen: now });
            self.slots.add(provider, now);
        }
    }

    pub(super) fn remove_slot(&mut self, ix: Ix, provider: ProviderId) {
        let Some(record) = self.slab.get_mut(ix) else { return };
        let before = record.slots.len();
        record.slots.retain(|slot| slot.provider != provider);
        if record.slots.len() < before {
            self.slots.remove(provider);
        }
    }

    /// How many sessions count at the provider. Everybody is looked at only if somebody's time there may be
    /// over, which for each of them happens once in the time of a session.
    pub(super) fn count_at(&mut self, provider: ProviderId, now: Ms) -> u32 {
        let Some(slots) = self.slots.get(provider) else { return 0 };
        if !self.is_over(slots.oldest, now) {
            return slots.count;
        }
        let holders: Vec<(Ix, Ms)> = self
            .slab
            .iter()
            .filter_map(|(ix, record)| {
                record.slots.iter().find(|slot| slot.provider == provider).map(|slot| (ix, slot.seen))
            })
            .collect();
        let mut oldest = now;
        for (ix, seen) in holders {
            if self.is_over(seen, now) {
                self.remove_slot(ix, provider);
            } else {
                oldest = oldest.min(seen);
            }
        }
        self.slots.set_oldest(provider, oldest);
        self.slots.get(provider).map_or(0, |slots| slots.count)
    }

    /// Gives back the slots of one session whose time is over.
    fn prune(&mut self, ix: Ix, now: Ms) {
        let ttl = self.ttl;
        let Some(record) = self.slab.get_mut(ix) else { return };
        record.slots.retain(|slot| {
            let is_over = slot.seen.saturating_add(ttl) <= now;
            if is_over {
                self.slots.remove(slot.provider);
            }
            !is_over
        });
    }

    fn is_over(&self, seen: Ms, now: Ms) -> bool {
        seen.saturating_add(self.ttl) <= now
    }

    fn is_dead(&self, ix: Ix, now: Ms) -> bool {
        !self.is_active(ix)
            && self.slab.get(ix).is_some_and(|record| {
                record.in_flight == 0 && record.slots.is_empty() && record.bound(now).is_none()
            })
    }

    pub(super) fn chunks(&self) -> usize {
        self.slab.chunks()
    }

    pub(super) fn chunk(&self, chunk: usize) -> impl Iterator<Item = (Ix, &Record)> {
        self.slab.chunk(chunk)
    }

    /// Forgets what has expired in one chunk.
    pub(super) fn sweep(&mut self, chunk: usize, now: Ms) {
        let all: Vec<Ix> = self.slab.chunk(chunk).map(|(ix, _)| ix).collect();
        for ix in all {
            self.prune(ix, now);
            if self.is_dead(ix, now) {
                self.remove(ix);
            }
        }
    }

    pub(super) fn footprint(&self) -> usize {
        self.slab.footprint()
            + self.index.allocation_size()
            + self.id_bytes
            + self.keys.footprint()
            + self.users.footprint()
            + self.slots.footprint()
            + self.models.footprint()
    }
}

/// What an id takes from the allocator: its text and two counters, in steps of 16 bytes.
fn allocation(id: &SessionId) -> usize {
    (id.as_str().len() + 2 * size_of::<usize>() + 8).next_multiple_of(16)
}
