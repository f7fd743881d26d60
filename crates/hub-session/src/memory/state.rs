//! What happens to the remembered sessions when requests come and go.

use std::num::NonZeroI64;

use jiff::Timestamp;

use hub_types::{KeyId, ProviderId, SessionId};

use crate::conversation::branch;
use crate::{
    Admission, BindingChange, ConversationHash, Known, Limits, Present, Refused, Scope, SessionEnd, Trail,
    Visit,
};

use super::conversations::Conversations;
use super::slab::Ix;
use super::table::{Table, Whose};
use super::time::{Ms, span, timestamp};

/// All that the store's lock protects.
pub(super) struct State {
    pub(super) table: Table,
    pub(super) conversations: Conversations,
    /// The latest time that anybody told. Requests look at their clocks before they wait for the lock, so
    /// times come slightly out of order; the order of use must not.
    pub(super) clock: Ms,
}

impl State {
    pub(super) fn new(limits: Limits) -> Self {
        let table = Table::new(limits.max_entries, span(limits.ttl));
        let conversations = Conversations::new(
            limits.max_entries,
            span(limits.conversation_ttl),
            span(limits.renew_threshold),
        );
        Self { table, conversations, clock: Ms::MIN }
    }

    /// Time has passed.
    pub(super) fn advance(&mut self, now: Timestamp) -> Ms {
        self.clock = self.clock.max(now.as_millisecond());
        self.table.settle(self.clock);
        self.clock
    }

    pub(super) fn find_conversation(
        &mut self,
        key: KeyId,
        hashes: &[ConversationHash],
        now: Timestamp,
    ) -> Option<Known> {
        let now = self.advance(now);
        let (depth, session) = hashes
            .iter()
            .enumerate()
            .rev()
            .find_map(|(depth, hash)| Some((depth, self.conversations.get(key, *hash, now)?.clone())))?;
        self.conversations.renew(key, *hashes.get(depth)?, now);
        Some(Known { depth, session })
    }

    pub(super) fn enter(&mut self, visit: &Visit<'_>, now: Timestamp) -> Admission {
        let now = self.advance(now);
        let own = self.table.live(visit.session, now);
        if !own.is_some_and(|ix| self.table.is_active(ix))
            && let Some(refused) = self.refusal(visit)
        {
            return Admission::Refused(refused);
        }
        let routing = if visit.routing == visit.session { own } else { self.table.live(visit.routing, now) };
        let mut present = routing.map_or_else(Present::default, |ix| self.follow(ix, now));
        let ix = own.unwrap_or_else(|| self.table.live_or_new(visit.session, now));
        let model = self.table.models.get(visit.model);
        if let Some(record) = self.table.get_mut(ix) {
            if !record.is_visited() {
                record.started = now;
            }
            record.model = Some(model);
            record.dialect = Some(visit.dialect);
            record.in_flight = record.in_flight.saturating_add(1);
            record.sequence = record.sequence.saturating_add(1);
            present.sequence = record.sequence.into();
        }
        self.table.visited(ix, visit.user, now);
        Admission::Admitted(present)
    }

    /// Looks up the binding that a visit follows, and prolongs it.
    fn follow(&mut self, ix: Ix, now: Ms) -> Present {
        self.table.used(ix);
        let Some(record) = self.table.get_mut(ix) else { return Present::default() };
        let last_seen = Some(timestamp(record.last_seen.max(record.routed)));
        record.routed = now;
        let bound = record.bound(now).map(|binding| binding.provider);
        if bound.is_some()
            && let Some(binding) = &mut record.binding
        {
            binding.prolong(now);
        }
        Present { sequence: 0, bound, last_seen }
    }

    /// The limit that a new session would exceed.
    fn refusal(&mut self, visit: &Visit<'_>) -> Option<Refused> {
        let (key, user) = (visit.session.key(), visit.user);
        let (of_key, of_user) = (self.table.count_of_key(key), self.table.count_of_user(user));
        let (scope, current, limit) = match (visit.key_limit, visit.user_limit) {
            (Some(limit), _) if of_key >= limit.get() => (Scope::Key, of_key, limit.get()),
            (_, Some(limit)) if of_user >= limit.get() => (Scope::User, of_user, limit.get()),
            _ => return None,
        };
        let oldest = self.table.longest_silent(match scope {
            Scope::Key => Whose::Key(key),
            Scope::User => Whose::User(user),
        });
        let free_at = timestamp(oldest.unwrap_or(self.clock).saturating_add(self.table.ttl));
        Some(Refused { scope, current, limit, free_at })
    }

    pub(super) fn take_slot(
        &mut self,
        session: &SessionId,
        provider: ProviderId,
        limit: Option<u32>,
        now: Timestamp,
    ) -> bool {
        let now = self.advance(now);
        let has_one = self.table.live(session, now).is_some_and(|ix| self.table.has_slot(ix, provider));
        if !has_one && limit.is_some_and(|limit| self.is_full(provider, limit, now)) {
            return false;
        }
        let ix = self.table.live_or_new(session, now);
        self.table.set_slot(ix, provider, now);
        self.table.seen(ix, now);
        true
    }

    fn is_full(&mut self, provider: ProviderId, limit: u32, now: Ms) -> bool {
        self.table.count_at(provider, now) >= limit
    }

    pub(super) fn release_slot(&mut self, session: &SessionId, provider: ProviderId) {
        if let Some(ix) = self.table.live(session, self.clock) {
            self.table.remove_slot(ix, provider);
        }
    }

    pub(super) fn drop_binding(&mut self, session: &SessionId, provider: ProviderId) {
        if let Some(ix) = self.table.live(session, self.clock)
            && let Some(record) = self.table.get_mut(ix)
        {
            record.binding = record.binding.filter(|binding| binding.provider != provider);
        }
    }

    pub(super) fn leave(&mut self, end: &SessionEnd<'_>, now: Timestamp) {
        let now = self.advance(now);
        // Whoever was ended or cleared meanwhile does not begin to count again.
        if let Some(ix) = self.table.live(end.session, now) {
            if let Some(record) = self.table.get_mut(ix) {
                record.in_flight = record.in_flight.saturating_sub(1);
                record.status = Some(end.status);
                let answered = end.provider.and_then(|id| NonZeroI64::new(id.0));
                record.answered = answered.or(record.answered);
                record.add(&end.usage);
            }
            self.table.seen(ix, now);
            if let Some(provider) = end.provider
                // Whoever failed was given up; whoever answered for longer than a slot lasts has it again.
                && (self.table.has_slot(ix, provider) || end.binding == BindingChange::Bind(provider))
            {
                self.table.set_slot(ix, provider, now);
            }
        }
        match end.binding {
            BindingChange::Bind(provider) => {
                let ix = self.table.live_or_new(end.routing, now);
                self.table.bind(ix, provider, span(end.binding_ttl), now);
                self.table.used(ix);
            }
            BindingChange::Drop => {
                if let Some(ix) = self.table.live(end.routing, now)
                    && let Some(record) = self.table.get_mut(ix)
                {
                    record.binding = None;
                }
            }
            BindingChange::Keep => {}
        }
        if let Some(trail) = end.trail {
            self.recognise(end, trail, now);
        }
        if let Some(answer) = end.answer {
            self.conversations.set(end.session.key(), answer, end.session, now);
        }
    }

    /// Sets the hashes by which the conversation is known from now on.
    fn recognise(&mut self, end: &SessionEnd<'_>, trail: &Trail, now: Ms) {
        let (met, new) = trail.parts();
        match (met.last().copied(), new.split_last()) {
            (None, Some((&deepest, openings))) => self.introduce(end, openings, deepest, now),
            (Some(fork), Some((&deepest, _))) => self.go_on(end, fork, new, deepest, now),
            // All are known: only the deepest one is this conversation's alone.
            (Some(deepest), None) => {
                let (key, session) = (end.session.key(), end.session);
                if self.conversations.get(key, deepest, now).is_none_or(|who| who == session) {
                    self.conversations.set(key, deepest, session, now);
                }
            }
            (None, None) => {}
        }
    }

    /// Nobody knew the conversation. Only its deepest hash names it: others may open alike, and are sessions of
    /// their own from their first turn.
    fn introduce(
        &mut self,
        end: &SessionEnd<'_>,
        openings: &[ConversationHash],
        deepest: ConversationHash,
        now: Ms,
    ) {
        let (key, session) = (end.session.key(), end.session);
        for &opening in openings {
            if self.conversations.get(key, opening, now).is_some() {
                // Somebody who opened alike was first.
                self.conversations.renew(key, opening, now);
                continue;
            }
            let other = branch(session, opening);
            self.conversations.set(key, opening, &other, now);
            self.bind_branch(end.routing, &other, now);
        }
        self.conversations.set(key, deepest, session, now);
    }

    /// The conversation went on from `fork`, by which it was recognised.
    fn go_on(
        &mut self,
        end: &SessionEnd<'_>,
        fork: ConversationHash,
        deeper: &[ConversationHash],
        deepest: ConversationHash,
        now: Ms,
    ) {
        let (key, session) = (end.session.key(), end.session);
        let at_fork = self.conversations.get(key, fork, now);
        let was_taken = at_fork.is_some_and(|who| who != session)
            // The same turn sent twice is no other conversation.
            && self.conversations.get(key, deepest, now) != Some(session);
        let is_ours = at_fork == Some(session);
        let own = if was_taken { branch(session, deepest) } else { session.clone() };
        for hash in deeper {
            self.conversations.set(key, *hash, &own, now);
        }
        if was_taken {
            self.bind_branch(end.routing, &own, now);
        } else if is_ours {
            let other = branch(session, fork);
            self.conversations.set(key, fork, &other, now);
            self.bind_branch(end.routing, &other, now);
        }
    }

    /// A branch starts with the binding of the session that it comes from.
    fn bind_branch(&mut self, from: &SessionId, branch: &SessionId, now: Ms) {
        let from = self.table.live(from, now).and_then(|ix| self.table.get(ix)?.bound(now));
        let Some(binding) = from else { return };
        let ix = self.table.live_or_new(branch, now);
        if self.table.get(ix).is_some_and(|record| record.bound(now).is_none()) {
            self.table.bind(ix, binding.provider, binding.ttl(), now);
        }
        self.table.used(ix);
    }
}
