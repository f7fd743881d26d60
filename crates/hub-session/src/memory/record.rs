//! What is remembered of one session, kept small.

use std::num::{NonZeroI64, NonZeroU32};
use std::sync::Arc;

use hub_types::{Dialect, Money, ProviderId, SessionId, UserId};
use smallvec::SmallVec;

use crate::{ActiveSession, SessionUsage};

use super::time::{Ms, timestamp};

/// A binding to a provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding {
    pub(super) provider: ProviderId,
    pub(super) until: Ms,
    /// Milliseconds, 49 days at most.
    ttl: NonZeroU32,
}

impl Binding {
    pub(super) fn new(provider: ProviderId, ttl: Ms, now: Ms) -> Self {
        let ttl = u32::try_from(ttl).unwrap_or(u32::MAX);
        let ttl = NonZeroU32::new(ttl).unwrap_or(NonZeroU32::MIN);
        let mut binding = Self { provider, until: Ms::MIN, ttl };
        binding.prolong(now);
        binding
    }

    /// It was used.
    pub(super) fn prolong(&mut self, now: Ms) {
        self.until = self.until.max(now.saturating_add(self.ttl()));
    }

    /// How long it lasts after each use.
    pub(super) fn ttl(&self) -> Ms {
        self.ttl.get().into()
    }
}

/// The session counts at a provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) provider: ProviderId,
    pub(super) seen: Ms,
}

/// A session. Numbers are as small as they may be: there are many of these.
pub(super) struct Record {
    pub(super) id: SessionId,
    /// The model of its last visit; `None`: no visit yet, it only has a binding.
    pub(super) model: Option<Arc<str>>,
    pub(super) user: UserId,
    pub(super) started: Ms,
    /// Its last visit, or end of one.
    pub(super) last_seen: Ms,
    /// The last time that another session followed its binding.
    pub(super) routed: Ms,
    pub(super) slots: SmallVec<[Slot; 1]>,
    pub(super) binding: Option<Binding>,
    /// The provider that answered last. Rows are numbered from 1.
    pub(super) answered: Option<NonZeroI64>,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cost: Money,
    pub(super) requests: u32,
    pub(super) sequence: u32,
    pub(super) in_flight: u32,
    pub(super) status: Option<u16>,
    pub(super) dialect: Option<Dialect>,
}

impl Record {
    pub(super) fn new(id: SessionId, now: Ms) -> Self {
        Self {
            id,
            model: None,
            user: UserId(0),
            started: now,
            last_seen: now,
            routed: now,
            slots: SmallVec::new(),
            binding: None,
            answered: None,
            input_tokens: 0,
            output_tokens: 0,
            cost: Money::default(),
            requests: 0,
            sequence: 0,
            in_flight: 0,
            status: None,
            dialect: None,
        }
    }

    /// The binding, unless its time is over.
    pub(super) fn bound(&self, now: Ms) -> Option<Binding> {
        self.binding.filter(|binding| binding.until > now)
    }

    pub(super) fn is_visited(&self) -> bool {
        self.model.is_some()
    }

    pub(super) fn add(&mut self, usage: &SessionUsage) {
        let requests = u32::try_from(usage.requests).unwrap_or(u32::MAX);
        self.requests = self.requests.saturating_add(requests);
        self.input_tokens = self.input_tokens.saturating_add(usage.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(usage.output_tokens);
        self.cost += usage.cost;
    }

    pub(super) fn view(&self, now: Ms) -> ActiveSession {
        let bound = self.bound(now);
        ActiveSession {
            session: self.id.clone(),
            user: self.is_visited().then_some(self.user),
            model: self.model.as_deref().map(str::to_owned),
            dialect: self.dialect,
            provider: bound.map(|binding| binding.provider).or(self.answered.map(|id| ProviderId(id.get()))),
            is_bound: bound.is_some(),
            started: Some(timestamp(self.started)),
            last_seen: timestamp(self.last_seen),
            last_status: self.status,
            in_flight: self.in_flight,
            usage: SessionUsage {
                requests: self.requests.into(),
                input_tokens: self.input_tokens,
                output_tokens: self.output_tokens,
                cost: self.cost,
            },
        }
    }
}
