//! What is counted for whom.

use std::collections::HashMap;

use super::shard::Asked;
use crate::counter::Counter;
use crate::judge::Amount;
use crate::limit::{LimitType, Owner};
use crate::limiter::RESTORE_LEASE;
use crate::rule::{Rule, Slot};
use crate::time::{Ms, span};

/// How many owners are looked at to find one to drop.
const SAMPLE: usize = 64;

/// The counters of one owner.
pub(super) struct OwnerState {
    pub(super) owner: Owner,
    /// Few: looked through.
    counters: Vec<Counter>,
    money: i128,
    tokens: i128,
    in_flight: u32,
    /// Somebody is reading the ledger for it until then.
    pub(super) lease: Ms,
    seen: Ms,
    /// Was it used since the hand last passed?
    is_used: bool,
}

impl OwnerState {
    fn new(owner: Owner, now: Ms) -> Self {
        Self {
            owner,
            counters: Vec::new(),
            money: 0,
            tokens: 0,
            in_flight: 0,
            lease: Ms::MIN,
            seen: now,
            is_used: true,
        }
    }

    /// Is somebody reading the ledger for it? A lease that began in what has become the future is none: a clock was
    /// put back, and nobody would ever be asked again until it is there.
    pub(super) fn is_leased(&self, now: Ms) -> bool {
        self.lease > now && self.lease <= now.saturating_add(2 * span(RESTORE_LEASE))
    }

    pub(super) fn counter(&self, slot: Slot) -> Option<&Counter> {
        self.counters.iter().find(|counter| counter.slot == slot)
    }

    pub(super) fn counters(&mut self) -> &mut [Counter] {
        &mut self.counters
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&mut Counter) -> bool) {
        self.counters.retain_mut(keep);
    }

    /// Brings the rule's counter up to this moment, or makes it. `is_empty` tells whether a counter that is not
    /// there is known to be empty.
    pub(super) fn follow(&mut self, rule: &Rule, now: Ms, is_empty: bool) -> bool {
        let place = self.counters.iter().position(|counter| counter.slot == rule.slot);
        if let Some(counter) = place.and_then(|place| self.counters.get_mut(place)) {
            if !counter.follow(rule, now) {
                *counter = counter.anew(rule, now, is_empty);
            }
            !counter.is_pending()
        } else {
            self.counters.push(Counter::new(rule, now, is_empty));
            is_empty
        }
    }

    /// Takes over how a shared limiter says that the rule's counter stands.
    #[cfg(feature = "redis")]
    pub(super) fn take_over(&mut self, rule: &Rule, told: &Counter, now: Ms) {
        self.follow(rule, now, true);
        if let Some(counter) = self.counters.iter_mut().find(|counter| counter.slot == rule.slot) {
            counter.take_over(rule, told, now);
        }
    }

    pub(super) fn reserve(&mut self, amount: Amount) {
        self.money += i128::from(amount.nanos());
        self.tokens += i128::from(amount.whole_tokens());
        self.in_flight = self.in_flight.saturating_add(1);
    }

    pub(super) fn free(&mut self, amount: Amount) {
        self.money -= i128::from(amount.nanos());
        self.tokens -= i128::from(amount.whole_tokens());
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// What requests in flight may take from this limit.
    pub(super) fn reserved(&self, kind: LimitType) -> i128 {
        match kind {
            LimitType::Rpm => 0,
            LimitType::TokensTotal => self.tokens,
            _ => self.money,
        }
    }
}

/// Owners in no order, with a hand that goes round when somebody has to leave.
pub(super) struct Owners {
    places: HashMap<Owner, usize>,
    states: Vec<OwnerState>,
    hand: usize,
    max: usize,
    /// Requests per minute that are in no ledger may have been forgotten until then.
    pub(super) blind_since: Ms,
}

impl Owners {
    pub(super) fn new(max: usize, now: Ms) -> Self {
        Self { places: HashMap::new(), states: Vec::new(), hand: 0, max, blind_since: now }
    }

    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    pub(super) fn get(&mut self, owner: Owner) -> Option<&mut OwnerState> {
        let place = *self.places.get(&owner)?;
        self.states.get_mut(place)
    }

    /// The owner's state, made if there is none. Does not make room: see [`Self::drop_one`].
    pub(super) fn enter(&mut self, owner: Owner, now: Ms) -> &mut OwnerState {
        let place = *self.places.entry(owner).or_insert_with(|| {
            self.states.push(OwnerState::new(owner, now));
            self.states.len() - 1
        });
        let state = &mut self.states[place];
        state.seen = state.seen.max(now);
        state.is_used = true;
        state
    }

    pub(super) fn contains(&self, owner: Owner) -> bool {
        self.places.contains_key(&owner)
    }

    pub(super) fn has_room(&self, more: usize) -> bool {
        self.states.len().saturating_add(more) <= self.max
    }

    /// Drops somebody who was not used of late. Nobody whose requests are in flight, and nobody while somebody
    /// reads the ledger for it, and none of those who are about to be used: then there is nobody to drop.
    pub(super) fn drop_one(&mut self, keep: &[Asked], now: Ms) {
        let mut second_best = None;
        for _ in 0..SAMPLE.min(self.states.len()) {
            self.hand = if self.hand + 1 < self.states.len() { self.hand + 1 } else { 0 };
            let Some(state) = self.states.get_mut(self.hand) else { return };
            if state.in_flight > 0
                || state.is_leased(now)
                || keep.iter().any(|kept| kept.owner == state.owner)
            {
                continue;
            }
            if !std::mem::take(&mut state.is_used) {
                return self.remove(self.hand, now);
            }
            second_best = second_best.or(Some(self.hand));
        }
        if let Some(place) = second_best {
            self.remove(place, now);
        }
    }

    fn remove(&mut self, place: usize, now: Ms) {
        let removed = self.states.swap_remove(place);
        self.places.remove(&removed.owner);
        if let Some(moved) = self.states.get(place) {
            self.places.insert(moved.owner, place);
        }
        if removed.counters.iter().any(|counter| counter.is_live_rpm(now)) {
            self.blind_since = self.blind_since.max(now);
        }
    }

    /// Drops whoever was silent for so long.
    pub(super) fn sweep(&mut self, idle: Ms, now: Ms) {
        for place in (0..self.states.len()).rev() {
            let is_idle = self.states.get(place).is_some_and(|state| {
                state.in_flight == 0 && !state.is_leased(now) && state.seen.saturating_add(idle) <= now
            });
            if is_idle {
                self.remove(place, now);
            }
        }
    }
}
