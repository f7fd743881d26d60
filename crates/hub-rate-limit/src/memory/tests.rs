//! The bounds that only the limiter in memory has.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hub_types::{AttemptId, KeyId, Money, MoneyLimits, ProviderId, RequestId, UserId};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::recent::{Charged, REMEMBERED, Recent};
use super::reservations::Reservations;
use super::{MemoryLimits, MemoryRateLimiter, SHARDS};
use crate::calendar::Calendar;
use crate::judge::{Amount, BudgetMode, Cause};
use crate::limit::{Limits, Owner, Quantity};
use crate::limiter::{Admission, Known, Payer, RateLimiter, Ticket, Verdict};

fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn at(seconds: i64) -> Timestamp {
    "2025-06-11T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn dollars(usd: i64) -> Amount {
    Amount { money: Money::from_usd(usd), tokens: 0 }
}

/// A limiter with an owner or two for each shard.
fn limiter(bounds: MemoryLimits) -> MemoryRateLimiter {
    MemoryRateLimiter::new(bounds, Arc::new(Calendar::new(TimeZone::UTC)), at(0))
}

fn small() -> MemoryLimits {
    MemoryLimits { max_owners: 2 * SHARDS, ..MemoryLimits::default() }
}

/// The user of this number in the first shard, with a key.
fn ticket(number: i64) -> Ticket {
    let user = 256 * number;
    Ticket { request: RequestId::fresh(), user: UserId(user), key: KeyId(user) }
}

fn total(usd: i64) -> MoneyLimits {
    MoneyLimits { limit_total_usd: Some(Money::from_usd(usd)), ..MoneyLimits::default() }
}

/// Only the user is limited: to ten dollars, of which so much is expected to be spent.
fn try_admit(limiter: &MemoryRateLimiter, ticket: Ticket, estimate: i64, now: Timestamp) -> Known<Verdict> {
    let (money, none) = (total(10), MoneyLimits::default());
    let admission = Admission {
        ticket,
        user: Limits { rpm: None, money: &money, tokens: None },
        key: Limits { rpm: None, money: &none, tokens: None },
        estimate: dollars(estimate),
        worst_case: dollars(estimate),
        mode: BudgetMode::Balanced,
    };
    at_once(limiter.admit(&admission, now)).unwrap()
}

fn admit(limiter: &MemoryRateLimiter, ticket: Ticket, estimate: i64, now: Timestamp) {
    let mut known = try_admit(limiter, ticket, estimate, now);
    if let Known::Restore(questions) = known {
        for question in questions {
            at_once(limiter.restore(&question, &question.nothing(), now)).unwrap();
        }
        known = try_admit(limiter, ticket, estimate, now);
    }
    assert_eq!(known, Known::Yes(Verdict::Admitted));
}

#[test]
fn owners_are_bounded_and_who_was_dropped_is_read_from_the_ledger() {
    let limiter = limiter(small());
    for number in 0..50 {
        let ticket = ticket(number);
        admit(&limiter, ticket, 1, at(number));
        limiter.settle(ticket, dollars(1), at(number));
        assert!(limiter.owners() <= 2, "{} owners", limiter.owners());
    }
    assert!(matches!(try_admit(&limiter, ticket(0), 1, at(60)), Known::Restore(_)));
    assert_eq!(
        try_admit(&limiter, ticket(49), 1, at(60)),
        Known::Yes(Verdict::Admitted),
        "the last one is here"
    );
}

#[test]
fn whose_requests_are_in_flight_is_never_dropped() {
    let limiter = limiter(small());
    let held: Vec<_> = (0..5).map(ticket).collect();
    for ticket in &held {
        admit(&limiter, *ticket, 6, at(0));
    }
    assert_eq!((limiter.owners(), limiter.reservations()), (5, 5), "more than the bound, and all are needed");
    for number in 100..150 {
        let passing = ticket(number);
        admit(&limiter, passing, 1, at(number - 90));
        limiter.release(passing, at(number - 90));
    }
    for number in 0..5 {
        let known = try_admit(&limiter, ticket(number), 6, at(70));
        let Known::Yes(Verdict::Refused(refusal)) = known else { panic!("{known:?}") };
        assert_eq!(refusal.cause, Cause::Reserved);
    }
    // Once they have ended, there is room again.
    for ticket in held {
        limiter.release(ticket, at(71));
    }
    for number in 200..220 {
        let passing = ticket(number);
        admit(&limiter, passing, 1, at(72));
        limiter.release(passing, at(80 + number));
    }
    assert!(limiter.owners() <= 2, "{} owners", limiter.owners());
}

#[test]
fn who_is_being_read_from_the_ledger_is_not_dropped_meanwhile() {
    let limiter = limiter(small());
    let Known::Restore(questions) = try_admit(&limiter, ticket(0), 1, at(0)) else {
        panic!("nobody is known")
    };
    for number in 1..20 {
        let passing = ticket(number);
        admit(&limiter, passing, 1, at(1));
        limiter.release(passing, at(1));
    }
    let mut answer = questions[0].nothing();
    answer[0].charges.push((at(-5), Money::from_usd(10).nanos()));
    at_once(limiter.restore(&questions[0], &answer, at(2))).unwrap();
    assert!(matches!(try_admit(&limiter, ticket(0), 1, at(3)), Known::Yes(Verdict::Refused(_))));
}

#[test]
fn who_was_asked_by_a_clock_that_is_put_back_does_not_keep_others_waiting() {
    let limiter = limiter(small());
    assert!(matches!(try_admit(&limiter, ticket(0), 1, at(86_400)), Known::Restore(_)));
    assert_eq!(
        try_admit(&limiter, ticket(0), 1, at(86_399)),
        Known::Restoring,
        "another's clock is a bit behind"
    );
    assert!(matches!(try_admit(&limiter, ticket(0), 1, at(0)), Known::Restore(_)));
}

#[test]
fn requests_of_the_last_minute_are_asked_for_when_somebody_was_dropped() {
    let limiter = limiter(small());
    let none = MoneyLimits::default();
    let asked = |number, second| {
        let limits = Limits { rpm: Some(1), money: &none, tokens: None };
        let admission = Admission {
            ticket: ticket(number),
            user: limits,
            key: Limits { rpm: None, ..limits },
            estimate: Amount::default(),
            worst_case: Amount::default(),
            mode: BudgetMode::Balanced,
        };
        let known = at_once(limiter.admit(&admission, at(second))).unwrap();
        if known == Known::Yes(Verdict::Admitted) {
            limiter.release(admission.ticket, at(second));
        }
        known
    };
    assert!(matches!(asked(0, 60), Known::Restore(_)), "this process is younger than the window");
    // An hour later, whoever is not here did not ask within the minute.
    assert_eq!(asked(1, 3600), Known::Yes(Verdict::Admitted));
    // There is no place for a third: somebody's last minute may be forgotten.
    for number in 2..4 {
        assert!(matches!(asked(number, 3601), Known::Restore(_)), "{number}");
    }
    assert_eq!(asked(9, 3700), Known::Yes(Verdict::Admitted));
}

#[test]
fn reservations_are_bounded() {
    let bounds = MemoryLimits { max_reservations: 2 * SHARDS, ..MemoryLimits::default() };
    let limiter = limiter(bounds);
    let (one, other, third) = (ticket(1), ticket(2), ticket(3));
    admit(&limiter, one, 1, at(0));
    admit(&limiter, other, 1, at(0));
    let money = total(10);
    let admission = Admission {
        ticket: third,
        user: Limits { rpm: None, money: &money, tokens: None },
        key: Limits { rpm: None, money: &money, tokens: None },
        estimate: dollars(1),
        worst_case: dollars(1),
        mode: BudgetMode::Balanced,
    };
    assert!(at_once(limiter.admit(&admission, at(1))).is_err());
    assert_eq!(limiter.reservations(), 2);
    limiter.release(one, at(2));
    assert!(matches!(at_once(limiter.admit(&admission, at(2))), Ok(Known::Restore(_))));
}

#[test]
fn what_is_looked_at_for_lapses_does_not_grow_with_refreshes() {
    let mut reservations = Reservations::default();
    for round in 0..10_000 {
        let request = RequestId::fresh();
        reservations.insert(
            request,
            [Owner::User(UserId(1))].into_iter().collect(),
            dollars(1),
            1_000_000 + round,
        );
        reservations.prolong(request, 2_000_000 + round);
        assert!(reservations.remove(request).is_some());
        assert!(reservations.due() <= 200, "{} to be looked at", reservations.due());
    }
}

#[test]
fn sweeping_drops_who_is_idle_and_what_has_lapsed() {
    let bounds = MemoryLimits {
        idle: Duration::from_secs(100),
        reservation_ttl: Duration::from_secs(300),
        ..MemoryLimits::default()
    };
    let limiter = limiter(bounds);
    let (idle, busy) = (ticket(1), ticket(2));
    admit(&limiter, idle, 1, at(0));
    admit(&limiter, busy, 1, at(0));
    limiter.settle(idle, dollars(1), at(1));
    at_once(limiter.sweep(at(99)));
    assert_eq!((limiter.owners(), limiter.reservations()), (2, 1));
    at_once(limiter.sweep(at(100)));
    assert_eq!((limiter.owners(), limiter.reservations()), (1, 1), "one has a request in flight");
    at_once(limiter.sweep(at(299)));
    assert_eq!((limiter.owners(), limiter.reservations()), (1, 1));
    at_once(limiter.sweep(at(300)));
    assert_eq!((limiter.owners(), limiter.reservations()), (0, 0));
}

#[test]
fn the_last_charges_are_remembered_and_no_more() {
    let mut recent = Recent::default();
    let request = RequestId::fresh();
    let attempt = AttemptId(request.0);
    for charged in [Charged::Request(request), Charged::Caller(attempt), Charged::Provider(attempt)] {
        assert!(recent.insert(charged), "each has a name of its own");
        assert!(!recent.insert(charged));
    }
    for _ in 3..REMEMBERED {
        assert!(recent.insert(Charged::Request(RequestId::fresh())));
    }
    assert!(!recent.insert(Charged::Request(request)), "it is the oldest, and still there");
    assert!(recent.insert(Charged::Request(RequestId::fresh())));
    assert!(recent.insert(Charged::Request(request)), "there was no place for it any more");
}

#[test]
fn without_a_ledger_counters_begin_at_zero() {
    let limiter = limiter(MemoryLimits { has_ledger: false, ..MemoryLimits::default() });
    let ticket = ticket(1);
    assert_eq!(try_admit(&limiter, ticket, 1, at(0)), Known::Yes(Verdict::Admitted));
    limiter.settle(ticket, dollars(10), at(1));
    assert!(matches!(try_admit(&limiter, self::ticket(1), 1, at(2)), Known::Yes(Verdict::Refused(_))));
}

#[test]
fn sums_stop_at_the_largest_number_and_come_down_again() {
    let limiter = limiter(MemoryLimits { has_ledger: false, ..MemoryLimits::default() });
    let most = Amount { money: Money::from_nanos(i64::MAX), tokens: u64::MAX };
    let limit = Some(Money::from_nanos(i64::MAX));
    let money = MoneyLimits { limit_5h_usd: limit, ..MoneyLimits::default() };
    let limits = Limits { rpm: Some(u32::MAX), money: &money, tokens: Some(u64::MAX) };
    let admit = |ticket, now| {
        let admission = Admission {
            ticket,
            user: Limits { tokens: None, ..limits },
            key: limits,
            estimate: most,
            worst_case: most,
            mode: BudgetMode::Balanced,
        };
        at_once(limiter.admit(&admission, now)).unwrap()
    };
    let (one, other) = (ticket(1), ticket(1));
    assert_eq!(admit(one, at(0)), Known::Yes(Verdict::Admitted));
    let usage = |now| {
        let limits = Limits { rpm: None, tokens: None, ..limits };
        match at_once(limiter.usage(Owner::User(one.user), limits, now)).unwrap() {
            Known::Yes(usage) => (usage[0].used, usage[0].reserved),
            unknown => panic!("{unknown:?}"),
        }
    };
    let (all, none) = (Quantity::Money(most.money), Quantity::Money(Money::ZERO));
    assert_eq!(usage(at(0)), (none, all));
    for (second, ticket) in [(1, one), (61, other)] {
        limiter.settle(ticket, most, at(second));
        assert_eq!(usage(at(second)), (all, none));
    }
    assert!(matches!(admit(ticket(1), at(62)), Known::Yes(Verdict::Refused(_))));
    let five_hours = 5 * 3600;
    assert_eq!(usage(at(five_hours + 60)), (all, none), "of both minutes, one is left");
    assert_eq!(usage(at(five_hours + 120)), (none, none));
}

#[test]
fn the_ends_of_time_are_times_like_others() {
    let limit = Some(Money::from_usd(10));
    let money = MoneyLimits {
        limit_5h_usd: limit,
        limit_daily_usd: limit,
        limit_weekly_usd: limit,
        limit_monthly_usd: limit,
        limit_total_usd: limit,
        ..MoneyLimits::default()
    };
    let limits = Limits { rpm: Some(5), money: &money, tokens: Some(100) };
    for has_ledger in [true, false] {
        let limiter = limiter(MemoryLimits { has_ledger, ..MemoryLimits::default() });
        for now in [Timestamp::MIN, Timestamp::MAX, at(0), Timestamp::MIN, Timestamp::MAX] {
            let ticket = ticket(1);
            let admission = Admission {
                ticket,
                user: limits,
                key: limits,
                estimate: dollars(1),
                worst_case: dollars(1),
                mode: BudgetMode::Strict,
            };
            for _ in 0..2 {
                if let Known::Restore(questions) = at_once(limiter.admit(&admission, now)).unwrap() {
                    for question in questions {
                        at_once(limiter.restore(&question, &question.nothing(), now)).unwrap();
                    }
                }
            }
            limiter.refresh(ticket, now);
            limiter.settle(ticket, dollars(1), now);
            limiter.charge(AttemptId::fresh(), Payer::Provider(ProviderId(1)), dollars(1), now);
            at_once(limiter.room(&[(ProviderId(1), limits)], now)).unwrap();
            at_once(limiter.usage(Owner::User(ticket.user), limits, now)).unwrap();
            at_once(limiter.reset(Owner::User(ticket.user), now)).unwrap();
            at_once(limiter.sweep(now));
        }
    }
}
