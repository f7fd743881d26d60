//! Step 4: whose conversation it is; and its part in step 5: whether one more may talk.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::FutureExt as _;
use hub_formats::conversation::chain_at;
use hub_session::{
    Admission, BindingChange, ConversationHash, Ended, Identity, Present, SessionEnd, SessionUsage, Trail,
    Visit, after, answer_hash, conversation_session, identify,
};
use hub_types::{Attempt, Caller, Outcome, Provider, ProviderId, RequestId, RequestRecord, SessionId};
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::limit::LimitReached;
use crate::receive::Received;
use crate::route::Kept;
use crate::shared::Shared;

/// A request's place in its session, from its admission to the end of the answer.
pub(crate) struct Ticket {
    session: SessionId,
    /// The session whose binding it follows.
    routing: SessionId,
    trail: Option<Trail>,
    pub(crate) present: Present,
    is_sticky: bool,
    /// The provider chosen last, its generation at that time, and how long a binding to it lasts.
    chosen: Option<Chosen>,
    /// The binding led to a provider that can't serve the session.
    is_stale: bool,
    /// The client left before there was any content, whatever is read of the answer after it.
    left_early: bool,
    /// The id of the provider's answer, where later requests may refer to it.
    answer_id: Option<String>,
    /// Providers at which it may be counted on account of this request.
    slots: SmallVec<[ProviderId; 2]>,
}

struct Chosen {
    generation: i64,
    binding_ttl: Duration,
}

/// The session that a request belongs to, not counted into it yet.
pub(crate) struct Seat {
    session: SessionId,
    routing: SessionId,
    trail: Option<Trail>,
    is_sticky: bool,
}

/// Whose a request is.
struct Identified {
    session: SessionId,
    trail: Option<Trail>,
    /// The client itself named the session.
    is_named: bool,
    /// Is there a conversation whose cache is worth keeping?
    is_sticky: bool,
}

/// Finds the session of a request.
pub(crate) async fn find_seat(
    shared: &Shared,
    id: RequestId,
    caller: &Caller,
    received: &Received,
    now: Timestamp,
) -> Seat {
    let Identified { session, trail, is_named, is_sticky } = find(shared, caller, received, now).await;
    let routing = match &shared.session_pool {
        Some(pool) if is_named => {
            if caller.key.collect_session {
                pool.collect(&caller.key.name, &session);
            }
            None
        }
        Some(pool) if is_sticky => pool.borrow(id.0.as_u64_pair().1, now),
        _ => None,
    };
    let routing = routing.unwrap_or_else(|| session.clone());
    Seat { session, routing, trail, is_sticky }
}

/// Counts a request into its session, if one more session may talk.
pub(crate) async fn enter(
    shared: &Shared,
    caller: &Caller,
    received: &Received,
    seat: &Seat,
    now: Timestamp,
) -> Result<Present, LimitReached> {
    let limit = |row: Option<u32>| row.filter(|_| shared.options.holds_limits()).and_then(NonZeroU32::new);
    let visit = Visit {
        session: &seat.session,
        routing: &seat.routing,
        key: caller.key.id,
        user: caller.user.id,
        key_limit: limit(caller.key.limit_concurrent_sessions),
        user_limit: limit(caller.user.limit_concurrent_sessions),
        dialect: received.call.dialect,
        model: &received.call.model,
    };
    match shared.sessions.store().enter(&visit, now).await {
        Ok(Admission::Admitted(present)) => Ok(present),
        Ok(Admission::Refused(refused)) => {
            shared.metrics.session_refused(refused.scope);
            Err(LimitReached::sessions(caller, &refused, now, &shared.options.time_zone))
        }
        // Not known: it is let in, and has no binding.
        Err(error) => {
            tracing::debug!(%error, "a session goes on without its store");
            Ok(Present::default())
        }
    }
}

async fn find(shared: &Shared, caller: &Caller, received: &Received, now: Timestamp) -> Identified {
    let key = caller.key.id;
    let referred = match identify(received.call.dialect, received.headers(), &received.facts) {
        Identity::Client(client) => {
            return Identified {
                session: SessionId::new(key, &client.id),
                trail: None,
                is_named: true,
                is_sticky: true,
            };
        }
        Identity::Answer(answer) => Some(answer),
        Identity::Unknown => match &received.call.about {
            Some(Kept::Response(id)) => Some(answer_hash(id)),
            // They have to be found again where they were put.
            Some(Kept::Files) => {
                let session = SessionId::new(key, "files");
                return Identified { session, trail: None, is_named: false, is_sticky: true };
            }
            None => None,
        },
    };
    let store = shared.sessions.store();
    if let Some(answer) = referred
        && let Ok(Some(known)) = store.find_conversation(key, &[answer], now).await
    {
        return Identified { session: known.session, trail: None, is_named: true, is_sticky: true };
    }
    let dialect = received.call.dialect;
    let chain = chain_at(dialect, &received.body, &received.facts.conversation, shared.options.chain);
    let hashes: SmallVec<[ConversationHash; 4]> = chain.into_iter().map(ConversationHash).collect();
    let Some(deepest) = hashes.last().copied() else {
        // No conversation at all (embeddings and the like): all of a key count as one.
        let session = SessionId::new(key, "unnamed");
        return Identified { session, trail: None, is_named: false, is_sticky: false };
    };
    let known = store.find_conversation(key, &hashes, now).await.ok().flatten();
    let (session, depth) = match known {
        Some(known) => (known.session, known.depth + 1),
        None => (conversation_session(key, deepest), 0),
    };
    Identified { session, trail: Some(Trail { hashes, known: depth }), is_named: false, is_sticky: true }
}

impl Seat {
    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// The request is in.
    pub(crate) fn taken(self, present: Present) -> Ticket {
        let Self { session, routing, trail, is_sticky } = self;
        Ticket {
            session,
            routing,
            trail,
            present,
            is_sticky,
            chosen: None,
            is_stale: false,
            left_early: false,
            answer_id: None,
            slots: SmallVec::new(),
        }
    }
}

impl Ticket {
    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// What the choice of a provider is seeded with: requests of a session that is not bound yet, title and
    /// first turn at the same time, go to the same one. `None`: nothing speaks for the same one.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.is_sticky.then(|| self.routing.seed())
    }

    /// The bound provider, unless the binding has been found to lead nowhere.
    pub(crate) fn bound(&self) -> Option<ProviderId> {
        self.present.bound.filter(|_| self.is_sticky && !self.is_stale)
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale
    }

    pub(crate) fn mark_stale(&mut self) {
        self.is_stale = true;
    }

    pub(crate) fn chose(&mut self, generation: i64, binding_ttl: Duration) {
        self.chosen = Some(Chosen { generation, binding_ttl });
    }

    pub(crate) fn left_early(&mut self) {
        self.left_early = true;
    }

    pub(crate) fn answered_as(&mut self, answer_id: Option<String>) {
        self.answer_id = answer_id;
    }

    /// Counts the session at a provider, if that has room. If that can't be known, it has.
    pub(crate) async fn take_slot(&mut self, shared: &Shared, provider: &Provider, now: Timestamp) -> bool {
        let limit = provider.limit_concurrent_sessions.filter(|_| shared.options.holds_limits());
        let limit = limit.and_then(NonZeroU32::new);
        // Before the answer is there: whoever leaves meanwhile may have been counted.
        self.slots.push(provider.id);
        let store = shared.sessions.store();
        let has_room = store.take_slot(&self.session, provider.id, limit, now).await.unwrap_or(true);
        if !has_room {
            self.slots.retain(|slot| *slot != provider.id);
        }
        has_room
    }

    /// The session does not stay counted at a provider that it is not bound to.
    pub(crate) async fn give_back(&mut self, shared: &Shared, provider: ProviderId) {
        self.slots.retain(|slot| *slot != provider);
        if self.present.bound != Some(provider) {
            shared.sessions.store().release_slot(&self.session, provider).await;
        }
    }

    /// Gives back what was taken at providers that turn out not to have been asked last: the client left while
    /// they were being chosen, or while two of them ran.
    fn give_back_others(&self, shared: &Shared, last: Option<ProviderId>) {
        for slot in &self.slots {
            if Some(*slot) != last && Some(*slot) != self.present.bound {
                let releasing = shared.sessions.store().release_slot(&self.session, *slot);
                // It is on its way at once; nobody waits until it has arrived.
                let _ = releasing.now_or_never();
            }
        }
    }

    /// Settles the session's side of a request that has ended.
    pub(crate) fn leave(self, shared: &Shared, record: &RequestRecord) {
        let provider = record.last_attempt().map(|attempt| attempt.provider_id);
        self.give_back_others(shared, provider);
        let ended = match provider {
            Some(provider) if self.is_sticky && !self.left_early && is_answered(record) => {
                Ended::Answered(provider)
            }
            _ => Ended::Unanswered,
        };
        let binding = after(self.is_stale, ended);
        let is_bound = matches!(binding, BindingChange::Bind(_));
        let chosen = self.chosen.as_ref();
        let answer = self.answer_id.as_deref().filter(|_| is_bound).map(answer_hash);
        let end = SessionEnd {
            session: &self.session,
            routing: &self.routing,
            binding,
            binding_ttl: chosen.map_or(shared.options.session_ttl, |chosen| chosen.binding_ttl),
            provider,
            status: record.status,
            usage: usage(record),
            trail: self.trail.as_ref().filter(|_| is_bound),
            answer,
        };
        let generation = chosen.map_or(i64::MAX, |chosen| chosen.generation);
        shared.sessions.leave(&end, generation, shared.clock.now());
    }
}

/// Did a provider answer as it should? A client that left after content had come was answered, too.
fn is_answered(record: &RequestRecord) -> bool {
    // An error inside a 200 is no answer.
    let is_told_off = record.last_attempt().is_some_and(|attempt| attempt.error.is_some());
    let is_good = (200..300).contains(&record.status) && !is_told_off;
    match record.outcome {
        Outcome::Completed => is_good,
        Outcome::ClientAborted => is_good && record.timings.first_content_us.is_some(),
        _ => false,
    }
}

fn usage(record: &RequestRecord) -> SessionUsage {
    let start = SessionUsage { requests: 1, ..SessionUsage::default() };
    record.attempts.iter().fold(start, |mut sum, attempt: &Attempt| {
        let usage = attempt.usage.unwrap_or_default();
        sum.input_tokens = sum.input_tokens.saturating_add(usage.total_input());
        sum.output_tokens = sum.output_tokens.saturating_add(usage.output);
        sum.cost += attempt.cost.unwrap_or_default();
        sum
    })
}
