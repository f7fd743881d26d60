//! Admission, settlement and everything else, under one lock.

use std::slice;

use hub_types::RequestId;
use smallvec::SmallVec;

use super::owners::{OwnerState, Owners};
use super::recent::{Charged, Recent};
use super::reservations::{Reservation, Reservations};
#[cfg(feature = "redis")]
use crate::counter::Counter;
use crate::judge::{Amount, BudgetMode, Refusal, Standing, longest};
use crate::limit::{LimitType, Owner};
use crate::limiter::{Known, LimiterUnavailable, RESTORE_LEASE, Room, Verdict, WindowUsage};
use crate::restore::{Past, Restore};
use crate::rule::{Rule, Rules, Slot};
use crate::time::{MINUTE, Ms, SECOND, ms, span, timestamp};

/// [`super::MemoryLimits`] for one shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) owners: usize,
    pub(super) idle: Ms,
    pub(super) reservations: usize,
    pub(super) reservation_ttl: Ms,
    pub(super) has_ledger: bool,
}

/// An owner and what applies to it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) owner: Owner,
    pub(crate) rules: Rules,
}

pub(super) struct Shard {
    bounds: Bounds,
    owners: Owners,
    reservations: Reservations,
    recent: Recent,
}

/// Whose counters have to be read from the ledger.
#[derive(Default)]
struct Unknown {
    questions: Vec<Restore>,
    is_waiting: bool,
}

impl Unknown {
    fn known<T>(self) -> Option<Known<T>> {
        if !self.questions.is_empty() {
            return Some(Known::Restore(self.questions));
        }
        self.is_waiting.then_some(Known::Restoring)
    }
}

impl Shard {
    pub(super) fn new(bounds: Bounds, now: Ms) -> Self {
        Self {
            bounds,
            owners: Owners::new(bounds.owners, now),
            reservations: Reservations::default(),
            recent: Recent::default(),
        }
    }

    pub(super) fn owners(&self) -> usize {
        self.owners.len()
    }

    pub(super) fn reservations(&self) -> usize {
        self.reservations.len()
    }

    pub(super) fn admit(
        &mut self,
        request: RequestId,
        asked: &[Asked],
        amount: Amount,
        mode: BudgetMode,
        now: Ms,
    ) -> Result<Known<Verdict>, LimiterUnavailable> {
        self.lapse(now);
        let limited: SmallVec<[&Asked; 2]> = asked.iter().filter(|asked| !asked.rules.is_empty()).collect();
        if limited.is_empty() || self.reservations.contains(request) {
            return Ok(Known::Yes(Verdict::Admitted));
        }
        if self.reservations.len() >= self.bounds.reservations {
            return Err(LimiterUnavailable("too many requests in flight".to_owned()));
        }
        self.make_room(asked, now);
        let mut unknown = Unknown::default();
        for asked in &limited {
            self.follow(asked, now, &mut unknown);
        }
        if let Some(unknown) = unknown.known() {
            return Ok(unknown);
        }
        let mut refusals: SmallVec<[Refusal; 2]> = SmallVec::new();
        for asked in &limited {
            if let Some(state) = self.owners.get(asked.owner) {
                refusals.extend(refusal(state, &asked.rules, amount, mode, now));
            }
        }
        if let Some(refusal) = longest(refusals) {
            return Ok(Known::Yes(Verdict::Refused(refusal)));
        }
        let owners = limited.iter().map(|asked| asked.owner).collect();
        self.book(request, owners, amount, now);
        Ok(Known::Yes(Verdict::Admitted))
    }

    /// Counts a request at these owners, and reserves what it may take.
    pub(super) fn book(&mut self, request: RequestId, owners: SmallVec<[Owner; 2]>, amount: Amount, now: Ms) {
        for owner in &owners {
            let Some(state) = self.owners.get(*owner) else { continue };
            state.reserve(amount);
            for counter in state.counters().iter_mut().filter(|counter| counter.slot == Slot::Rpm) {
                counter.charge(now, 1);
            }
        }
        let expires = now.saturating_add(self.bounds.reservation_ttl);
        self.reservations.insert(request, owners, amount, expires);
    }

    /// Takes over how a shared limiter says that limits stand, and books the request that it let in.
    #[cfg(feature = "redis")]
    pub(super) fn take_over(
        &mut self,
        booking: Option<(RequestId, Amount)>,
        told: &[(Asked, Vec<Counter>)],
        now: Ms,
    ) {
        self.lapse(now);
        for (asked, counters) in told {
            self.make_room(slice::from_ref(asked), now);
            let state = self.owners.enter(asked.owner, now);
            for (rule, told) in asked.rules.iter().zip(counters) {
                state.take_over(rule, told, now);
            }
        }
        if let Some((request, amount)) = booking
            && !self.reservations.contains(request)
            && self.reservations.len() < self.bounds.reservations
        {
            self.book(request, told.iter().map(|(asked, _)| asked.owner).collect(), amount, now);
        }
    }

    /// May somebody pass who books nothing?
    pub(super) fn look(&mut self, asked: &Asked, amount: Amount, mode: BudgetMode, now: Ms) -> Room {
        if asked.rules.is_empty() {
            return Known::Yes(None);
        }
        self.make_room(slice::from_ref(asked), now);
        let mut unknown = Unknown::default();
        self.follow(asked, now, &mut unknown);
        if let Some(unknown) = unknown.known() {
            return unknown;
        }
        let state = self.owners.get(asked.owner);
        Known::Yes(state.and_then(|state| refusal(state, &asked.rules, amount, mode, now)))
    }

    pub(super) fn usage(&mut self, asked: &Asked, now: Ms) -> Known<Vec<WindowUsage>> {
        self.lapse(now);
        if asked.rules.is_empty() {
            return Known::Yes(Vec::new());
        }
        self.make_room(slice::from_ref(asked), now);
        let mut unknown = Unknown::default();
        self.follow(asked, now, &mut unknown);
        if let Some(unknown) = unknown.known() {
            return unknown;
        }
        let Some(state) = self.owners.get(asked.owner) else { return Known::Restoring };
        let usage = |rule: &Rule| {
            let counter = state.counter(rule.slot)?;
            let quantity = |number| rule.kind.quantity(number);
            Some(WindowUsage {
                limit_type: rule.kind,
                used: quantity(counter.used(now).into()),
                reserved: quantity(state.reserved(rule.kind)),
                limit: quantity(rule.limit.into()),
                reset: counter.empties(now).map(timestamp),
            })
        };
        Known::Yes(asked.rules.iter().filter_map(usage).collect())
    }

    /// Drops as many as are needed for those of these who are new, and one more as long as there are too many.
    fn make_room(&mut self, asked: &[Asked], now: Ms) {
        if self.owners.has_room(asked.len()) {
            return;
        }
        let is_new = |asked: &&Asked| !asked.rules.is_empty() && !self.owners.contains(asked.owner);
        let new = asked.iter().filter(is_new).count();
        for _ in 0..=new {
            if new == 0 || self.owners.has_room(new) {
                return;
            }
            self.owners.drop_one(asked, now);
        }
    }

    /// Brings all counters of an owner up to this moment, and says what has to be read from the ledger for them.
    fn follow(&mut self, asked: &Asked, now: Ms, unknown: &mut Unknown) {
        let has_ledger = self.bounds.has_ledger;
        // A minute after the last loss, whoever is not here has not asked within the minute.
        let is_rpm_seen = now >= self.owners.blind_since.saturating_add(MINUTE + SECOND);
        let state = self.owners.enter(asked.owner, now);
        let mut is_known = true;
        for rule in &asked.rules {
            is_known &= state.follow(rule, now, !has_ledger || (rule.slot == Slot::Rpm && is_rpm_seen));
        }
        if is_known {
            return;
        }
        if state.is_leased(now) {
            unknown.is_waiting = true;
            return;
        }
        state.lease = now.saturating_add(span(RESTORE_LEASE));
        unknown.questions.extend(questions(state));
    }

    pub(super) fn restore(&mut self, question: &Restore, answer: &[Past], now: Ms) {
        let Some(state) = self.owners.get(question.owner) else { return };
        let before = ms(question.before);
        for past in answer.iter().filter(|past| question.wanted.contains(&past.wanted)) {
            let charges: Vec<_> = past.charges.iter().map(|(at, amount)| (ms(*at), *amount)).collect();
            for counter in state.counters().iter_mut().filter(|counter| counter.slot == past.wanted.slot) {
                counter.restore(past.wanted, before, &charges);
            }
        }
        state.lease = state.lease.min(now);
    }

    pub(super) fn reset(&mut self, owner: Owner, at: Ms) {
        if let Some(state) = self.owners.get(owner) {
            // A counter that is not there is read from the ledger when it is needed.
            state.retain(|counter| counter.slot == Slot::Rpm || counter.reset(at));
        }
    }

    pub(super) fn refresh(&mut self, request: RequestId, now: Ms) {
        self.lapse(now);
        self.reservations.prolong(request, now.saturating_add(self.bounds.reservation_ttl));
    }

    pub(super) fn release(&mut self, request: RequestId, now: Ms) {
        self.lapse(now);
        if let Some(reservation) = self.reservations.remove(request) {
            self.free(&reservation);
        }
    }

    pub(super) fn charge(&mut self, charged: Charged, owners: &[Owner], actual: Amount, now: Ms) {
        if !self.recent.insert(charged) {
            return;
        }
        for owner in owners {
            // Who has no counters has them read from the ledger when they are needed, this charge included.
            let Some(state) = self.owners.get(*owner) else { continue };
            for counter in state.counters() {
                match counter.slot {
                    Slot::Rpm => {}
                    Slot::Tokens => counter.charge(now, actual.whole_tokens()),
                    _ => counter.charge(now, actual.nanos()),
                }
            }
        }
    }

    pub(super) fn sweep(&mut self, now: Ms) {
        self.lapse(now);
        self.owners.sweep(self.bounds.idle, now);
    }

    fn lapse(&mut self, now: Ms) {
        while let Some(reservation) = self.reservations.take_lapsed(now) {
            self.free(&reservation);
        }
    }

    fn free(&mut self, reservation: &Reservation) {
        for owner in &reservation.owners {
            if let Some(state) = self.owners.get(*owner) {
                state.free(reservation.amount);
            }
        }
    }
}

/// The limit of this owner that refuses for longest.
fn refusal(state: &OwnerState, rules: &Rules, amount: Amount, mode: BudgetMode, now: Ms) -> Option<Refusal> {
    let refusals = rules.iter().filter_map(|rule| {
        let counter = state.counter(rule.slot)?;
        let standing = Standing {
            used: counter.used(now),
            reserved: state.reserved(rule.kind),
            limit: rule.limit,
            amount: match rule.kind {
                LimitType::Rpm => 1,
                LimitType::TokensTotal => amount.whole_tokens(),
                _ => amount.nanos(),
            },
        };
        let cause = standing.judge(mode)?;
        let name = (state.owner, rule.kind);
        Some(standing.refusal(name, cause, mode, now, |target| counter.falls_to(target, now)))
    });
    longest(refusals)
}

/// What to ask the ledger, one question for each moment that counting began at.
fn questions(state: &mut OwnerState) -> Vec<Restore> {
    let owner = state.owner;
    let mut questions: Vec<Restore> = Vec::new();
    for counter in state.counters() {
        let Some((before, wanted)) = counter.pending().zip(counter.wanted()) else { continue };
        let before = timestamp(before);
        match questions.iter_mut().find(|question| question.before == before) {
            Some(question) => question.wanted.push(wanted),
            None => questions.push(Restore { owner, before, wanted: [wanted].into_iter().collect() }),
        }
    }
    questions
}
