//! Which session goes on from which conversation hash.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hub_types::{KeyId, SessionId};

use crate::ConversationHash;

use super::slab::{Ix, MOST, Slab};
use super::time::Ms;

struct Entry {
    key: KeyId,
    hash: ConversationHash,
    session: SessionId,
    until: Ms,
}

/// See the module's documentation. The least recently used hash goes when there are too many.
pub(super) struct Conversations {
    slab: Slab<Entry, 1>,
    index: HashTable<Ix>,
    hasher: RandomState,
    max: usize,
    ttl: Ms,
    renew_threshold: Ms,
}

const USE: usize = 0;

impl Conversations {
    pub(super) fn new(max: usize, ttl: Ms, renew_threshold: Ms) -> Self {
        Self {
            slab: Slab::new(),
            index: HashTable::new(),
            hasher: RandomState::new(),
            max: max.clamp(1, MOST),
            ttl,
            renew_threshold,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Who goes on from the hash.
    pub(super) fn get(&self, key: KeyId, hash: ConversationHash, now: Ms) -> Option<&SessionId> {
        let entry = self.slab.get(self.find(key, hash)?)?;
        (entry.until > now).then_some(&entry.session)
    }

    /// It was of use: prolongs it when little is left of its time.
    pub(super) fn renew(&mut self, key: KeyId, hash: ConversationHash, now: Ms) {
        let Some(ix) = self.find(key, hash) else { return };
        self.slab.touch(USE, ix);
        if let Some(entry) = self.slab.get_mut(ix)
            && entry.until > now
            && entry.until.saturating_sub(now) < self.renew_threshold
        {
            entry.until = now.saturating_add(self.ttl);
        }
    }

    /// From now on this session goes on from the hash.
    pub(super) fn set(&mut self, key: KeyId, hash: ConversationHash, session: &SessionId, now: Ms) {
        if self.get(key, hash, now) == Some(session) {
            return self.renew(key, hash, now);
        }
        if let Some(ix) = self.find(key, hash) {
            self.remove(ix);
        }
        while self.slab.len() >= self.max
            && let Some(oldest) = self.slab.front(USE)
        {
            self.remove(oldest);
        }
        let until = now.saturating_add(self.ttl);
        let ix = self.slab.insert(Entry { key, hash, session: session.clone(), until });
        self.slab.touch(USE, ix);
        let (slab, hasher) = (&self.slab, &self.hasher);
        let rehash = |ix: &Ix| slab.get(*ix).map_or(0, |entry| hasher.hash_one((entry.key, entry.hash)));
        self.index.insert_unique(hasher.hash_one((key, hash)), ix, rehash);
    }

    fn find(&self, key: KeyId, hash: ConversationHash) -> Option<Ix> {
        let is_it = |ix: &Ix| self.slab.get(*ix).is_some_and(|entry| entry.key == key && entry.hash == hash);
        self.index.find(self.hasher.hash_one((key, hash)), is_it).copied()
    }

    fn remove(&mut self, ix: Ix) {
        let Some(entry) = self.slab.remove(ix) else { return };
        let hash = self.hasher.hash_one((entry.key, entry.hash));
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == ix) {
            entry.remove();
        }
    }

    pub(super) fn chunks(&self) -> usize {
        self.slab.chunks()
    }

    /// Forgets what has expired in one chunk.
    pub(super) fn sweep(&mut self, chunk: usize, now: Ms) {
        self.remove_where(chunk, |entry| entry.until <= now);
    }

    /// Forgets the hashes in one chunk that lead to these sessions. How many there were.
    pub(super) fn forget(&mut self, chunk: usize, sessions: &HashSet<SessionId>) -> u64 {
        self.remove_where(chunk, |entry| sessions.contains(&entry.session))
    }

    fn remove_where(&mut self, chunk: usize, goes: impl Fn(&Entry) -> bool) -> u64 {
        let going: Vec<Ix> =
            self.slab.chunk(chunk).filter(|(_, entry)| goes(entry)).map(|(ix, _)| ix).collect();
        for ix in &going {
            self.remove(*ix);
        }
        going.len() as u64
    }

    pub(super) fn footprint(&self) -> usize {
        self.slab.footprint() + self.index.allocation_size()
    }
}
