//! What every session store has to do, by topics. `contract!(Subject)` makes a test of each case.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hub_session::{
    Admission, BindingChange, ConversationHash, Known, Limits, Present, Refused, SessionEnd, SessionStore,
    SessionUsage, Trail, Visit,
};
use hub_types::{Dialect, KeyId, ProviderId, SessionId, UserId};
use jiff::{SignedDuration, Timestamp};

pub(crate) mod bindings;
pub(crate) mod clearing;
pub(crate) mod concurrency;
pub(crate) mod ending;
pub(crate) mod expiry;
pub(crate) mod flight;
pub(crate) mod identity;
pub(crate) mod messages;
pub(crate) mod slots;
pub(crate) mod traffic;

/// A store to be held to the contract.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    /// One that remembers nothing, apart from everybody else's.
    async fn fresh(limits: Limits) -> Self;

    /// The store.
    fn store(&self) -> Arc<dyn SessionStore>;

    /// Waits until what nobody waits for is written.
    async fn settle(&self);

    /// Does everything expire by the time given, or some of it by a clock of its own?
    fn can_jump(&self) -> bool;

    /// How many conversations it may be troubled with: enough to find what only many show, or few as each of
    /// their steps goes over the network.
    fn crowd(&self) -> u64;
}

pub(crate) const A: ProviderId = ProviderId(1);
pub(crate) const B: ProviderId = ProviderId(2);
pub(crate) const KEY: KeyId = KeyId(12);
pub(crate) const USER: UserId = UserId(3);

/// That many seconds after the tests' beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

pub(crate) fn sid(name: &str) -> SessionId {
    SessionId::new(KEY, name)
}

pub(crate) fn some(limit: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(limit)
}

pub(crate) fn hash(number: u64) -> ConversationHash {
    ConversationHash(number)
}

pub(crate) fn visit(session: &SessionId) -> Visit<'_> {
    Visit {
        session,
        routing: session,
        key: session.key(),
        user: USER,
        key_limit: None,
        user_limit: None,
        dialect: Dialect::Claude,
        model: "claude-sonnet-4-5",
    }
}

/// The end of a request that nobody answered.
pub(crate) fn failed(session: &SessionId) -> SessionEnd<'_> {
    SessionEnd {
        session,
        routing: session,
        binding: BindingChange::Keep,
        binding_ttl: Duration::from_secs(300),
        provider: None,
        status: 503,
        usage: SessionUsage { requests: 1, ..SessionUsage::default() },
        trail: None,
        answer: None,
    }
}

/// The end of a request that a provider answered.
pub(crate) fn answered(session: &SessionId, provider: ProviderId) -> SessionEnd<'_> {
    SessionEnd {
        binding: BindingChange::Bind(provider),
        provider: Some(provider),
        status: 200,
        ..failed(session)
    }
}

/// A store with what the cases do again and again.
pub(crate) struct Desk<S> {
    pub(crate) subject: S,
    pub(crate) store: Arc<dyn SessionStore>,
}

impl<S: Subject> Desk<S> {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let subject = S::fresh(limits).await;
        let store = subject.store();
        Self { subject, store }
    }

    pub(crate) async fn admitted(&self, visit: &Visit<'_>, seconds: i64) -> Present {
        match self.store.enter(visit, at(seconds)).await.unwrap() {
            Admission::Admitted(present) => {
                self.subject.settle().await;
                present
            }
            Admission::Refused(refused) => panic!("{:?} was refused: {refused:?}", visit.session),
        }
    }

    pub(crate) async fn refused(&self, visit: &Visit<'_>, seconds: i64) -> Refused {
        match self.store.enter(visit, at(seconds)).await.unwrap() {
            Admission::Refused(refused) => {
                self.subject.settle().await;
                refused
            }
            Admission::Admitted(_) => panic!("{:?} was admitted", visit.session),
        }
    }

    /// A visit without limits.
    pub(crate) async fn enter(&self, session: &SessionId, seconds: i64) -> Present {
        self.admitted(&visit(session), seconds).await
    }

    pub(crate) async fn leave(&self, end: &SessionEnd<'_>, seconds: i64) {
        self.store.leave(end, at(seconds));
        self.subject.settle().await;
    }

    /// A whole request that a provider answers.
    pub(crate) async fn talk(&self, session: &SessionId, provider: ProviderId, seconds: i64) -> Present {
        let present = self.enter(session, seconds).await;
        self.leave(&answered(session, provider), seconds).await;
        present
    }

    pub(crate) async fn take(
        &self,
        session: &SessionId,
        provider: ProviderId,
        limit: u32,
        seconds: i64,
    ) -> bool {
        let taken = self.store.take_slot(session, provider, some(limit), at(seconds)).await.unwrap();
        self.subject.settle().await;
        taken
    }

    pub(crate) async fn bound(&self, session: &SessionId, seconds: i64) -> Option<ProviderId> {
        let found = self.store.find(session, at(seconds)).await.unwrap()?;
        found.provider.filter(|_| found.is_bound)
    }

    pub(crate) async fn known(&self, hashes: &[u64], seconds: i64) -> Option<Known> {
        let hashes: Vec<_> = hashes.iter().copied().map(ConversationHash).collect();
        let known = self.store.find_conversation(KEY, &hashes, at(seconds)).await.unwrap();
        self.subject.settle().await;
        known
    }

    /// A whole turn of a conversation without ids. Whose it was, and how many of its hashes were known.
    pub(crate) async fn turn(
        &self,
        hashes: &[u64],
        provider: ProviderId,
        seconds: i64,
    ) -> (SessionId, usize) {
        let (session, known) = self.recognised(hashes, seconds).await;
        self.enter(&session, seconds).await;
        self.finish(&session, hashes, known, provider, seconds).await;
        (session, known)
    }

    /// Whose turn this is: known, or named by its deepest hash.
    pub(crate) async fn recognised(&self, hashes: &[u64], seconds: i64) -> (SessionId, usize) {
        match self.known(hashes, seconds).await {
            Some(known) => (known.session, known.depth + 1),
            None => (sid(&hash(*hashes.last().unwrap()).to_string()), 0),
        }
    }

    pub(crate) async fn finish(
        &self,
        session: &SessionId,
        hashes: &[u64],
        known: usize,
        provider: ProviderId,
        seconds: i64,
    ) {
        let trail = Trail { hashes: hashes.iter().copied().map(ConversationHash).collect(), known };
        self.leave(&SessionEnd { trail: Some(&trail), ..answered(session, provider) }, seconds).await;
    }

    pub(crate) async fn count_at(&self, provider: ProviderId, seconds: i64) -> u64 {
        let counts: HashMap<_, _> = self.store.count_at(&[provider], at(seconds)).await.unwrap();
        counts.get(&provider).copied().unwrap_or(0)
    }

    /// The sessions that count, sorted.
    pub(crate) async fn active(&self, seconds: i64) -> Vec<SessionId> {
        let listed = self.store.list(usize::MAX, at(seconds)).await.unwrap();
        let mut ids: Vec<_> = listed.into_iter().map(|one| one.session).collect();
        ids.sort();
        ids
    }
}

/// A test of each case for a subject.
macro_rules! contract {
    ($subject:ty) => {
        $crate::contract::cases! { $subject:
            identity::an_unknown_conversation_is_nobodys,
            identity::the_deepest_known_hash_counts,
            identity::hashes_are_never_shared_between_keys,
            identity::a_growing_conversation_stays_one_session,
            identity::two_conversations_with_the_same_opening_separate,
            identity::racing_continuations_separate_after_the_next_turn,
            identity::a_turn_sent_twice_changes_nothing,
            identity::whoever_opens_like_a_conversation_met_later_on_is_a_session_of_its_own,
            identity::what_somebody_opened_meanwhile_stays_theirs,
            identity::a_first_turn_sent_twice_changes_nothing,
            identity::a_branch_starts_with_the_same_binding,
            identity::an_answer_leads_to_its_session,
            identity::a_failure_teaches_nothing,
            traffic::conversations_without_ids_keep_their_providers,
            bindings::without_a_binding_whoever_answered_gets_it,
            bindings::after_a_failover_the_one_that_answered_gets_it,
            bindings::a_better_provider_that_answered_gets_it,
            bindings::a_failure_leaves_it_as_it_was,
            bindings::one_that_leads_nowhere_is_forgotten,
            bindings::it_is_dropped_only_if_it_is_to_that_provider,
            bindings::all_bindings_to_a_provider_are_dropped,
            bindings::a_pooled_session_lends_its_own,
            concurrency::of_parallel_sessions_exactly_the_keys_limit_passes,
            concurrency::of_parallel_sessions_exactly_the_users_limit_passes,
            concurrency::of_parallel_sessions_the_lower_of_both_limits_passes,
            concurrency::whoever_counts_is_never_refused,
            concurrency::the_keys_limit_is_told_first,
            concurrency::a_refusal_leaves_no_trace,
            concurrency::a_users_sessions_count_over_all_keys,
            concurrency::sessions_leave_by_themselves,
            concurrency::the_end_of_a_request_counts_as_seen,
            concurrency::a_refusal_tells_when_a_place_is_free,
            slots::of_parallel_sessions_exactly_the_providers_limit_passes,
            slots::whoever_has_one_keeps_it,
            slots::a_slot_given_back_is_free,
            slots::slots_are_free_again_after_their_time,
            slots::the_end_of_a_request_keeps_the_slot,
            slots::a_refused_slot_leaves_no_trace,
            slots::without_a_limit_it_is_counted_all_the_same,
            flight::requests_are_numbered_and_counted_in_flight,
            flight::usage_adds_up,
            flight::sessions_are_listed_with_the_latest_first,
            flight::a_session_tells_what_is_known_of_it,
            flight::a_visit_learns_when_its_session_was_last_seen,
            ending::an_ended_session_is_gone,
            ending::ending_frees_its_places,
            ending::there_is_nothing_to_end_twice,
            ending::a_request_that_finishes_later_leaves_no_trace,
            ending::a_request_that_finishes_later_may_bind_and_no_more,
            messages::the_last_of_each_kind_is_kept,
            messages::they_go_with_their_session,
            messages::they_expire_with_their_session,
            clearing::bindings_are_counted_by_provider,
            clearing::only_sessions_bound_to_the_providers_are_cleared,
            clearing::hashes_that_lead_to_them_are_cleared,
            clearing::clearing_again_finds_nothing,
            clearing::whoever_comes_back_starts_anew,
            expiry::a_binding_ends_with_its_time,
            expiry::use_prolongs_a_binding_by_its_own_time,
            expiry::a_hash_ends_with_its_time,
            expiry::a_hash_is_renewed_when_little_is_left,
        }
    };
}

macro_rules! cases {
    ($subject:ty: $($topic:ident::$case:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::contract::$topic::$case::<$subject>().await;
        })+
    };
}

pub(crate) use {cases, contract};
