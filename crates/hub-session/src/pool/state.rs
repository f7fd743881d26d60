//! A pool at one moment, and what may happen to it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use hub_types::SessionId;

/// What became of a session that was offered to the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    /// Was it taken in just now? `false`: it was there before, or there was no room.
    pub is_new: bool,
    /// How many the pool holds now.
    pub size: usize,
    /// Is there no room for another one?
    pub is_full: bool,
}

/// A pool at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolState {
    /// The sessions in it.
    pub members: BTreeSet<SessionId>,
    /// The one that is lent. It need not be a member any more.
    pub current: Option<SessionId>,
    /// When the current one last changed after the first; to the millisecond.
    pub last_switch: Option<Timestamp>,
}

impl PoolState {
    pub(crate) fn collect(&mut self, session: &SessionId, max: usize) -> Collected {
        let has_room = self.members.len() < max;
        let is_new = has_room && self.members.insert(session.clone());
        if is_new && self.current.is_none() {
            self.current = Some(session.clone());
        }
        let size = self.members.len();
        Collected { is_new, size, is_full: size >= max }
    }

    pub(crate) fn set_current(&mut self, session: &SessionId, now: Timestamp) {
        self.current = Some(session.clone());
        self.last_switch = Some(to_the_millisecond(now));
    }

    pub(crate) fn switch(&mut self, to: &SessionId, seen: Option<Timestamp>, now: Timestamp) -> bool {
        let is_first = self.last_switch == seen;
        if is_first {
            self.set_current(to, now);
        }
        is_first
    }

    pub(crate) fn clear(&mut self) -> usize {
        let before = self.members.len();
        let current = self.current.as_ref();
        self.members.retain(|member| Some(member) == current);
        before.saturating_sub(self.members.len())
    }

    /// A member that is not the current one, drawn by 32 random bits.
    pub(crate) fn another(&self, chance: u32) -> Option<&SessionId> {
        let others = || self.members.iter().filter(|member| Some(*member) != self.current.as_ref());
        let count = u64::try_from(others().count()).ok()?;
        let at = (u64::from(chance) * count) >> 32;
        others().nth(usize::try_from(at).ok()?)
    }
}

/// What a store keeps of a time. Two stores, and two instances, must agree on it.
pub(crate) fn to_the_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}
