//! Counts of sessions per key, user and provider.

use std::collections::HashMap;
use std::hash::Hash;

use hub_types::ProviderId;

use super::slab::Ix;
use super::time::Ms;

#[derive(Clone, Copy, Default)]
struct Count {
    sessions: u32,
    /// Who was silent for longest when somebody asked, and since when.
    silent: Option<(Ix, Ms)>,
}

/// How many sessions count for each key, or each user.
pub(super) struct Tally<K>(HashMap<K, Count>);

impl<K: Copy + Eq + Hash> Tally<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn get(&self, whose: K) -> u32 {
        self.0.get(&whose).map_or(0, |count| count.sessions)
    }

    pub(super) fn add(&mut self, whose: K) {
        self.0.entry(whose).or_default().sessions += 1;
    }

    pub(super) fn remove(&mut self, whose: K) {
        if let Some(count) = self.0.get_mut(&whose) {
            count.sessions = count.sessions.saturating_sub(1);
            if count.sessions == 0 {
                self.0.remove(&whose);
            }
        }
    }

    /// Who was silent for longest when somebody asked. To be verified: it may have been seen since.
    pub(super) fn silent(&self, whose: K) -> Option<(Ix, Ms)> {
        self.0.get(&whose)?.silent
    }

    pub(super) fn set_silent(&mut self, whose: K, ix: Ix, since: Ms) {
        if let Some(count) = self.0.get_mut(&whose) {
            count.silent = Some((ix, since));
        }
    }

    pub(super) fn footprint(&self) -> usize {
        self.0.capacity() * (size_of::<(K, Count)>() + 1)
    }
}

/// The sessions that have a slot at one provider.
#[derive(Clone, Copy)]
pub(super) struct Slots {
    /// How many, those included whose time is over but which nobody noticed yet.
    pub(super) count: u32,
    /// None of them was seen there before this.
    pub(super) oldest: Ms,
}

/// How many sessions have a slot at each provider.
pub(super) struct SlotTally(HashMap<ProviderId, Slots>);

impl SlotTally {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn get(&self, provider: ProviderId) -> Option<Slots> {
        self.0.get(&provider).copied()
    }

    pub(super) fn add(&mut self, provider: ProviderId, now: Ms) {
        self.0.entry(provider).or_insert(Slots { count: 0, oldest: now }).count += 1;
    }

    pub(super) fn remove(&mut self, provider: ProviderId) {
        if let Some(slots) = self.0.get_mut(&provider) {
            slots.count = slots.count.saturating_sub(1);
            if slots.count == 0 {
                self.0.remove(&provider);
            }
        }
    }

    /// Everybody was looked at: none was seen there before `oldest`.
    pub(super) fn set_oldest(&mut self, provider: ProviderId, oldest: Ms) {
        if let Some(slots) = self.0.get_mut(&provider) {
            slots.oldest = oldest;
        }
    }

    pub(super) fn footprint(&self) -> usize {
        self.0.capacity() * (size_of::<(ProviderId, Slots)>() + 1)
    }
}
