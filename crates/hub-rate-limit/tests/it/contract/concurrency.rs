//! Many requests at the same moment.

use std::sync::Arc;

use hub_rate_limit::{Amount, Cause, Known, LimitType, Quantity, Refusal, Ticket, Verdict};
use hub_types::{Money, ResetMode};
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::{Desk, MONEY, Person, Subject, at, dollars, noon, only, total, usd};
use crate::chance::Chance;

const REQUESTS: usize = 100;

/// All of them at once: who was admitted, and why the others were not.
async fn rush<S: Subject>(desk: &Desk<S>, person: &Person, now: Timestamp) -> (Vec<Ticket>, Vec<Refusal>) {
    let mut tasks = JoinSet::new();
    for _ in 0..REQUESTS {
        let (limiter, person) = (Arc::clone(&desk.limiter), person.clone());
        tasks.spawn(async move {
            let ticket = person.ticket();
            (ticket, limiter.admit(&person.admission(ticket), now).await.unwrap())
        });
    }
    let (mut admitted, mut refused) = (Vec::new(), Vec::new());
    for answer in tasks.join_all().await {
        match answer {
            (ticket, Known::Yes(Verdict::Admitted)) => admitted.push(ticket),
            (_, Known::Yes(Verdict::Refused(refusal))) => refused.push(refusal),
            (_, unknown) => panic!("{unknown:?}"),
        }
    }
    desk.subject.flush().await;
    (admitted, refused)
}

/// Ten dollars, one of them left; 100 parallel requests of 0.20 that are expected to cost this much, and not
/// more than 0.20. How many are admitted, and what is used in the end?
async fn spend_the_last_dollar<S: Subject>(
    desk: &Desk<S>,
    person: Person,
    estimate: &str,
    used: &str,
) -> usize {
    desk.spend(&person, "9", noon()).await;
    let amount = |text| Amount { money: usd(text), tokens: 0 };
    let person = Person { estimate: amount(estimate), worst_case: amount("0.2"), ..person };
    let (admitted, refused) = rush(desk, &person, at(1)).await;
    assert_eq!(admitted.len() + refused.len(), REQUESTS);
    for refusal in refused {
        assert_eq!((refusal.cause, refusal.current), (Cause::Reserved, dollars("9")));
    }
    for ticket in &admitted {
        desk.settle(*ticket, "0.2", at(2)).await;
    }
    assert_eq!(desk.taken(&person, at(3)).await, (dollars(used), dollars("0")));
    assert_eq!(desk.refused(&person, at(4)).await.cause, Cause::Spent);
    admitted.len()
}

pub(crate) async fn of_parallel_requests_strict_admits_what_fits<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        // Estimates that are right, too low by half, and of nothing: the worst case counts.
        for estimate in ["0.2", "0.1", "0"] {
            let person = Person { key_money: only(dimension, "10"), ..Person::new() }.strict();
            assert_eq!(spend_the_last_dollar(&desk, person, estimate, "10").await, 5, "{dimension:?}");
        }
    }
}

pub(crate) async fn of_parallel_requests_balanced_overshoots_by_its_bound_only<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let person = || Person { key_money: only(dimension, "10"), ..Person::new() };
        assert_eq!(spend_the_last_dollar(&desk, person(), "0.2", "10").await, 5, "{dimension:?}");
        // Too low by half: ten are in flight after the last admission, each 0.10 above its estimate. The bound
        // is limit + 10 × 0.10, and it is reached.
        assert_eq!(spend_the_last_dollar(&desk, person(), "0.1", "11").await, 10, "{dimension:?}");
        // Too high: the first one passes as a lone request, the others have to wait for it.
        let person = person();
        desk.spend(&person, "9", noon()).await;
        let (admitted, _) = rush(&desk, &person.expecting("2"), at(1)).await;
        assert_eq!(admitted.len(), 1, "{dimension:?}");
    }
}

pub(crate) async fn of_parallel_requests_as_many_as_the_minute_allows_pass<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (user_rpm, key_rpm) in [(Some(7), None), (None, Some(7)), (Some(9), Some(7))] {
        let money = only((LimitType::UsdTotal, ResetMode::Fixed), "10");
        let person = Person { user_rpm, key_rpm, key_money: money, ..Person::new() };
        desk.admitted(&person, noon()).await;
        let (admitted, refused) = rush(&desk, &person, at(1)).await;
        assert_eq!((admitted.len(), refused.len()), (6, REQUESTS - 6));
        assert!(refused.iter().all(|refusal| refusal.limit_type == LimitType::Rpm));
    }
}

pub(crate) async fn of_requests_that_come_and_go_in_parallel_none_is_lost<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for is_strict in [true, false] {
        let person =
            Person { key_money: total("10"), user_money: total("12"), ..Person::new() }.expecting("0.2");
        let person = if is_strict { person.strict() } else { person };
        let first = desk.admitted(&person, noon()).await;
        desk.release(first, noon()).await;
        let mut tasks = JoinSet::new();
        for seed in 0..8 {
            let (limiter, person) = (Arc::clone(&desk.limiter), person.clone());
            tasks.spawn(async move {
                let (mut chance, mut spent) = (Chance::new(seed), 0);
                for _ in 0..50 {
                    let ticket = person.ticket();
                    let verdict = limiter.admit(&person.admission(ticket), at(1)).await.unwrap();
                    if verdict != Known::Yes(Verdict::Admitted) {
                        tokio::task::yield_now().await;
                    } else if chance.one_in(5) {
                        limiter.release(ticket, at(1));
                    } else {
                        let cost = Money::from_nanos(chance.between(1, 200_000_000));
                        limiter.settle(ticket, Amount { money: cost, tokens: 0 }, at(1));
                        spent += cost.nanos();
                    }
                }
                spent
            });
        }
        let spent: i64 = tasks.join_all().await.into_iter().sum();
        desk.subject.flush().await;
        let (used, reserved) = desk.taken(&person, at(2)).await;
        assert_eq!((used, reserved), (Quantity::Money(Money::from_nanos(spent)), dollars("0")));
        // No request cost more than it had reserved; in balanced mode the last one may have been alone.
        let bound = if is_strict { usd("10") } else { usd("10.2") };
        assert!(spent <= bound.nanos(), "{spent}");
    }
}
