//! What every rate limiter has to do, by topics. `contract!(Subject)` makes a test of each case.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hub_rate_limit::{
    Admission, Amount, BudgetMode, Calendar, Known, LimitType, Limits, Owner, Payer, Quantity, RateLimiter,
    Refusal, Restore, Ticket, Verdict, WindowUsage,
};
use hub_types::{AttemptId, KeyId, Money, MoneyLimits, ProviderId, RequestId, ResetMode, UserId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub(crate) mod budgets;
pub(crate) mod concurrency;
pub(crate) mod lapse;
pub(crate) mod requests;
pub(crate) mod resets;
pub(crate) mod restoring;
pub(crate) mod turns;
pub(crate) mod windows;

/// A limiter to be held to the contract.
pub(crate) trait Subject: Send + Sync + Sized + 'static {
    /// One that counts nothing yet, apart from everybody else's; made at [`noon`].
    async fn fresh(calendar: Arc<Calendar>) -> Self;

    /// The limiter.
    fn limiter(&self) -> Arc<dyn RateLimiter>;

    /// Waits until what nobody waits for is written.
    async fn flush(&self);
}

/// The tests' beginning: a Wednesday, twenty seconds past noon in UTC.
pub(crate) fn noon() -> Timestamp {
    instant("2025-06-11T12:00:20Z")
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// That many seconds after the beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

pub(crate) fn usd(text: &str) -> Money {
    text.parse().unwrap()
}

pub(crate) fn dollars(text: &str) -> Quantity {
    Quantity::Money(usd(text))
}

/// A dimension of money and how its window moves.
pub(crate) type Dimension = (LimitType, ResetMode);

pub(crate) const MONEY: [Dimension; 7] = [
    (LimitType::Usd5h, ResetMode::Rolling),
    (LimitType::Usd5h, ResetMode::Fixed),
    (LimitType::UsdDaily, ResetMode::Fixed),
    (LimitType::UsdDaily, ResetMode::Rolling),
    (LimitType::UsdWeekly, ResetMode::Fixed),
    (LimitType::UsdMonthly, ResetMode::Fixed),
    (LimitType::UsdTotal, ResetMode::Fixed),
];

/// One limit and no other.
pub(crate) fn only((kind, mode): Dimension, limit: &str) -> MoneyLimits {
    let (limit, none) = (Some(usd(limit)), MoneyLimits::default());
    match kind {
        LimitType::Usd5h => MoneyLimits { limit_5h_usd: limit, limit_5h_reset_mode: mode, ..none },
        LimitType::UsdDaily => MoneyLimits { limit_daily_usd: limit, daily_reset_mode: mode, ..none },
        LimitType::UsdWeekly => MoneyLimits { limit_weekly_usd: limit, ..none },
        LimitType::UsdMonthly => MoneyLimits { limit_monthly_usd: limit, ..none },
        LimitType::UsdTotal => MoneyLimits { limit_total_usd: limit, ..none },
        LimitType::Rpm | LimitType::TokensTotal => panic!("{kind} is not about money"),
    }
}

pub(crate) fn total(limit: &str) -> MoneyLimits {
    only((LimitType::UsdTotal, ResetMode::Fixed), limit)
}

/// A user with a key, and what their requests look like.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) key: KeyId,
    pub(crate) user_money: MoneyLimits,
    pub(crate) key_money: MoneyLimits,
    pub(crate) user_rpm: Option<u32>,
    pub(crate) key_rpm: Option<u32>,
    pub(crate) key_tokens: Option<u64>,
    pub(crate) mode: BudgetMode,
    pub(crate) estimate: Amount,
    pub(crate) worst_case: Amount,
}

impl Person {
    /// Somebody new without limits, whose requests are expected to cost nothing.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicI64 = AtomicI64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            user: UserId(id),
            key: KeyId(1000 + id),
            user_money: MoneyLimits::default(),
            key_money: MoneyLimits::default(),
            user_rpm: None,
            key_rpm: None,
            key_tokens: None,
            mode: BudgetMode::Balanced,
            estimate: Amount::default(),
            worst_case: Amount::default(),
        }
    }

    /// The same with requests that are expected to cost this, at worst and else.
    pub(crate) fn expecting(self, cost: &str) -> Self {
        let amount = Amount { money: usd(cost), tokens: self.estimate.tokens };
        Self { estimate: amount, worst_case: amount, ..self }
    }

    pub(crate) fn strict(self) -> Self {
        Self { mode: BudgetMode::Strict, ..self }
    }

    /// A request of theirs.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { request: RequestId::fresh(), user: self.user, key: self.key }
    }

    pub(crate) fn admission(&self, ticket: Ticket) -> Admission<'_> {
        Admission {
            ticket,
            user: Limits { rpm: self.user_rpm, money: &self.user_money, tokens: None },
            key: self.key_limits(),
            estimate: self.estimate,
            worst_case: self.worst_case,
            mode: self.mode,
        }
    }

    pub(crate) fn key_limits(&self) -> Limits<'_> {
        Limits { rpm: self.key_rpm, money: &self.key_money, tokens: self.key_tokens }
    }

    pub(crate) fn key_owner(&self) -> Owner {
        Owner::Key(self.user, self.key)
    }
}

/// A limiter with what the cases do again and again.
pub(crate) struct Desk<S> {
    pub(crate) subject: S,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) calendar: Arc<Calendar>,
}

impl<S: Subject> Desk<S> {
    pub(crate) async fn new() -> Self {
        Self::within("UTC").await
    }

    pub(crate) async fn within(zone: &str) -> Self {
        let calendar = Arc::new(Calendar::new(TimeZone::get(zone).unwrap()));
        let subject = S::fresh(Arc::clone(&calendar)).await;
        let limiter = subject.limiter();
        Self { subject, limiter, calendar }
    }

    /// What the limiter says, whether it knows the past or not.
    pub(crate) async fn try_admit(&self, person: &Person, now: Timestamp) -> (Ticket, Known<Verdict>) {
        let ticket = person.ticket();
        let verdict = self.limiter.admit(&person.admission(ticket), now).await.unwrap();
        self.subject.flush().await;
        (ticket, verdict)
    }

    /// Asks to pass. Whoever is new has an empty past.
    pub(crate) async fn ask(&self, person: &Person, now: Timestamp) -> (Ticket, Verdict) {
        match self.try_admit(person, now).await {
            (ticket, Known::Yes(verdict)) => (ticket, verdict),
            (_, Known::Restore(questions)) => {
                self.restore_nothing(&questions, now).await;
                match self.try_admit(person, now).await {
                    (ticket, Known::Yes(verdict)) => (ticket, verdict),
                    (_, unknown) => panic!("restored, and yet {unknown:?}"),
                }
            }
            (_, Known::Restoring) => panic!("nobody is restoring"),
        }
    }

    pub(crate) async fn restore_nothing(&self, questions: &[Restore], now: Timestamp) {
        for question in questions {
            self.limiter.restore(question, &question.nothing(), now).await.unwrap();
        }
    }

    pub(crate) async fn admitted(&self, person: &Person, now: Timestamp) -> Ticket {
        let (ticket, verdict) = self.ask(person, now).await;
        assert_eq!(verdict, Verdict::Admitted, "at {now}");
        ticket
    }

    pub(crate) async fn refused(&self, person: &Person, now: Timestamp) -> Refusal {
        match self.ask(person, now).await.1 {
            Verdict::Refused(refusal) => refusal,
            Verdict::Admitted => panic!("admitted at {now}"),
        }
    }

    pub(crate) async fn settle(&self, ticket: Ticket, cost: &str, now: Timestamp) {
        self.limiter.settle(ticket, Amount { money: usd(cost), tokens: 0 }, now);
        self.subject.flush().await;
    }

    pub(crate) async fn release(&self, ticket: Ticket, now: Timestamp) {
        self.limiter.release(ticket, now);
        self.subject.flush().await;
    }

    /// A whole request.
    pub(crate) async fn spend(&self, person: &Person, cost: &str, now: Timestamp) {
        let ticket = self.admitted(person, now).await;
        self.settle(ticket, cost, now).await;
    }

    /// How much of the limits of a person's key is taken.
    pub(crate) async fn usage(&self, person: &Person, now: Timestamp) -> Vec<WindowUsage> {
        match self.limiter.usage(person.key_owner(), person.key_limits(), now).await.unwrap() {
            Known::Yes(usage) => usage,
            unknown => panic!("{unknown:?}"),
        }
    }

    /// Used and reserved of the only limit of a person's key.
    pub(crate) async fn taken(&self, person: &Person, now: Timestamp) -> (Quantity, Quantity) {
        match self.usage(person, now).await.as_slice() {
            [only] => (only.used, only.reserved),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn charge_provider(&self, id: ProviderId, cost: &str, now: Timestamp) -> AttemptId {
        let (attempt, actual) = (AttemptId::fresh(), Amount { money: usd(cost), tokens: 0 });
        self.limiter.charge(attempt, Payer::Provider(id), actual, now);
        self.subject.flush().await;
        attempt
    }

    /// Why a provider has no room, if it has none.
    pub(crate) async fn full(&self, id: ProviderId, money: &MoneyLimits, now: Timestamp) -> Option<Refusal> {
        let providers = [(id, Limits { rpm: None, money, tokens: None })];
        for _ in 0..2 {
            let mut rooms = self.limiter.room(&providers, now).await.unwrap();
            match rooms.pop() {
                Some(Known::Yes(refusal)) => return refusal,
                Some(Known::Restore(questions)) => self.restore_nothing(&questions, now).await,
                other => panic!("{other:?}"),
            }
        }
        panic!("restored, and yet unknown")
    }
}

/// A test of each case for a subject.
macro_rules! contract {
    ($subject:ty) => {
        $crate::contract::cases! { $subject:
            requests::below_the_limit_they_pass_and_at_it_they_do_not,
            requests::they_age_out_after_sixty_seconds_and_never_before,
            requests::whoever_is_refused_does_not_count,
            requests::a_users_requests_count_over_all_keys,
            requests::a_request_that_cost_nothing_counts,
            windows::below_a_limit_requests_pass_and_at_or_over_it_they_do_not,
            windows::providers_have_room_below_a_limit_and_none_at_or_over_it,
            windows::zero_and_none_are_no_limit,
            windows::limits_of_key_and_user_both_apply,
            windows::rolling_windows_forget_minute_by_minute,
            windows::fixed_hours_begin_with_the_first_charge,
            windows::the_longest_refusal_is_told,
            windows::usage_tells_every_window,
            windows::tokens_are_limited_in_total,
            turns::windows_turn_by_the_clock_of_the_zone,
            turns::a_window_that_turned_unnoticed_is_empty,
            turns::what_is_reserved_stays_reserved_over_a_turn,
            turns::a_charge_after_the_turn_counts_in_the_new_window,
            turns::a_slower_clock_does_not_turn_a_window_back,
            budgets::balanced_admits_what_is_expected_to_fit,
            budgets::balanced_admits_a_lone_request_while_anything_is_left,
            budgets::strict_admits_only_what_fits_at_worst,
            budgets::a_refusal_by_reservations_says_so,
            budgets::a_spent_budget_refuses_even_what_costs_nothing,
            budgets::settling_replaces_the_reservation,
            budgets::releasing_drops_the_reservation,
            budgets::a_refusal_books_nothing,
            budgets::a_settlement_without_reservation_is_charged_once,
            budgets::an_admission_told_twice_books_once,
            budgets::attempts_are_charged_once,
            budgets::late_attempts_are_charged_to_their_callers,
            budgets::tokens_are_reserved_too,
            lapse::a_reservation_lapses_by_itself,
            lapse::refreshing_prolongs_it,
            lapse::a_lapsed_reservation_is_not_refreshed,
            lapse::after_its_lapse_a_request_is_charged_all_the_same,
            resets::a_reset_empties_every_window,
            resets::a_reset_keeps_what_is_reserved,
            resets::a_stale_row_does_not_take_a_reset_back,
            resets::a_reset_elsewhere_is_read_from_the_ledger,
            resets::a_reset_into_the_past_keeps_what_followed,
            restoring::an_unknown_owner_is_read_from_the_ledger,
            restoring::only_one_reads_at_a_time,
            restoring::the_question_names_windows_and_their_beginnings,
            restoring::what_was_charged_meanwhile_counts_once,
            restoring::rolling_windows_come_back_minute_by_minute,
            restoring::a_fixed_window_comes_back_with_its_beginning,
            restoring::an_answer_for_a_window_that_has_turned_is_ignored,
            restoring::a_new_limit_is_read_from_the_ledger,
            restoring::a_moved_window_is_read_from_the_ledger,
            restoring::another_zone_is_read_from_the_ledger,
            restoring::an_unanswered_question_is_asked_again,
            restoring::providers_and_usage_ask_too,
            concurrency::of_parallel_requests_strict_admits_what_fits,
            concurrency::of_parallel_requests_balanced_overshoots_by_its_bound_only,
            concurrency::of_parallel_requests_as_many_as_the_minute_allows_pass,
            concurrency::of_requests_that_come_and_go_in_parallel_none_is_lost,
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
