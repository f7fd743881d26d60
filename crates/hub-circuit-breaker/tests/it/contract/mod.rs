//! What every breaker store has to do, by topics. `contract!(Subject)` makes a test of each case.

use std::sync::Arc;

use hub_circuit_breaker::{
    Breaker, BreakerConfig, BreakerHealth, BreakerState, BreakerStore, Event, Permission, Phase, Transition,
    Trial, TrialAnswer,
};
use hub_types::ProviderId;
use jiff::{SignedDuration, Timestamp};

pub(crate) mod closing;
pub(crate) mod opening;
pub(crate) mod trials;
pub(crate) mod views;

/// A store to be held to the contract.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    /// One that knows nothing, apart from everybody else's.
    async fn fresh() -> Self;

    /// The store.
    fn store(&self) -> Arc<dyn BreakerStore>;
}

pub(crate) const P: ProviderId = ProviderId(7);
pub(crate) const Q: ProviderId = ProviderId(8);
pub(crate) const SUCCESS: Event = Event::Success { trial: None };
pub(crate) const FAILURE: Event = Event::Failure { trial: None };

/// Opens at the third failure, for ten seconds, and closes at the second success.
pub(crate) const CONFIG: BreakerConfig =
    BreakerConfig { failure_threshold: 3, open_duration_ms: 10_000, half_open_success_threshold: 2 };

/// That many seconds after the tests' beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

/// A store with what the cases do again and again.
pub(crate) struct Desk<S> {
    pub(crate) store: Arc<dyn BreakerStore>,
    _subject: S,
}

impl<S: Subject> Desk<S> {
    pub(crate) async fn new() -> Self {
        let subject = S::fresh().await;
        Self { store: subject.store(), _subject: subject }
    }

    pub(crate) async fn record(&self, event: Event, seconds: i64) -> Option<Transition> {
        self.store.record(P, event, CONFIG, at(seconds)).await
    }

    pub(crate) async fn take(&self, seconds: i64) -> TrialAnswer {
        self.store.take_trial(P, CONFIG, at(seconds)).await
    }

    /// The permission for a trial, which must be there to be had.
    pub(crate) async fn trial(&self, seconds: i64) -> Trial {
        match self.take(seconds).await.permission {
            Permission::Trial(trial) => trial,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn breaker(&self, seconds: i64) -> Breaker {
        self.store.list(&[(P, CONFIG)], at(seconds)).await[0]
    }

    pub(crate) async fn state(&self, seconds: i64) -> BreakerState {
        self.breaker(seconds).await.state
    }

    /// As it is listed, and as a request sees it.
    pub(crate) async fn health(&self, seconds: i64) -> BreakerHealth {
        let listed = self.breaker(seconds).await.health;
        self.store.refresh(&[P], at(seconds)).await;
        assert_eq!(self.store.health(P, CONFIG, at(seconds)), listed);
        listed
    }

    /// Three failures open it.
    pub(crate) async fn open(&self, seconds: i64) -> Transition {
        assert_eq!(self.record(FAILURE, seconds).await, None);
        assert_eq!(self.record(FAILURE, seconds).await, None);
        self.record(FAILURE, seconds).await.unwrap()
    }
}

pub(crate) fn transition(from: Phase, to: Phase, failures: u32, reopens: Option<i64>) -> Transition {
    Transition { provider: P, from, to, failures, reopens_at: reopens.map(at) }
}

/// A moment as states have it.
pub(crate) fn ms(seconds: i64) -> i64 {
    at(seconds).as_millisecond()
}

/// A test of each case for a subject.
macro_rules! contract {
    ($subject:ty) => {
        $crate::contract::cases! { $subject:
            opening::a_provider_that_nobody_heard_of_is_closed,
            opening::as_many_failures_in_a_row_as_the_threshold_open,
            opening::a_success_sets_the_count_to_zero,
            opening::a_failure_that_comes_late_does_not_prolong_it,
            opening::providers_have_nothing_to_do_with_each_other,
            opening::without_a_threshold_it_never_opens,
            opening::a_threshold_that_is_taken_away_closes,
            opening::an_edited_duration_holds_at_once,
            trials::the_first_trial_makes_it_half_open,
            trials::one_at_a_time,
            trials::a_lease_ends_by_itself,
            trials::one_that_is_given_back_is_free_for_the_next,
            trials::whoever_lost_the_lease_does_not_end_the_next_one,
            trials::a_closed_breaker_needs_none,
            trials::an_open_one_gives_none,
            closing::enough_successes_close,
            closing::a_failure_in_half_open_opens_again,
            closing::a_reset_closes_and_tells_what_was,
            closing::a_reset_forgets_the_count,
            closing::a_good_probe_makes_it_half_open_early,
            closing::after_it_has_closed_it_starts_anew,
            views::a_list_has_an_answer_for_each_in_order,
            views::a_refresh_shows_what_a_request_needs,
        }
    };
}

macro_rules! cases {
    ($subject:ty: $($topic:ident::$case:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $case() {
            $crate::contract::$topic::$case::<$subject>().await;
        })+
    };
}

pub(crate) use {cases, contract};
