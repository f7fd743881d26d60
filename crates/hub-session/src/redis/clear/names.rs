//! Names of sessions, remembered in little room.

use std::hash::{BuildHasher, RandomState};

/// Names as their hashes: a million of them take 8 MB, and none needs to be read again.
#[derive(Default)]
pub(super) struct Names {
    hasher: RandomState,
    hashes: Vec<u64>,
}

impl Names {
    pub(super) fn add(&mut self, name: &str) {
        self.hashes.push(self.hasher.hash_one(name));
    }

    /// To be called once all are in, and before anything is asked: a scan may tell a key more than once.
    pub(super) fn settle(&mut self) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        !self.is_empty() && self.hashes.binary_search(&self.hasher.hash_one(name)).is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}
