//! What an administrator's reset leaves of the counters.

use hub_rate_limit::{Amount, Known, LimitType, Limits, Owner, Quantity};
use hub_types::{MoneyLimits, ProviderId, ResetMode};
use jiff::civil::time;

use super::{Desk, MONEY, Person, Subject, at, dollars, noon, only, total, usd};
use crate::ledger::{Entry, Ledger};

/// The row as it is after a reset at so many seconds.
fn reset_at(seconds: i64, limits: &MoneyLimits) -> MoneyLimits {
    MoneyLimits { cost_reset_at: Some(at(seconds)), ..limits.clone() }
}

pub(crate) async fn a_reset_empties_every_window<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (dimension, id) in MONEY.into_iter().zip(70..) {
        for is_user in [true, false] {
            let name = format!("{dimension:?}, user {is_user}");
            let limits = only(dimension, "10");
            let person = |limits| {
                let none = MoneyLimits::default();
                let (user_money, key_money) = if is_user { (limits, none) } else { (none, limits) };
                move |person| Person { user_money, key_money, ..person }
            };
            let before = person(limits.clone())(Person::new());
            desk.spend(&before, "10", noon()).await;
            let owner = desk.refused(&before, at(1)).await.owner;
            desk.limiter.reset(owner, at(2)).await.unwrap();
            let after = person(reset_at(2, &limits))(before);
            desk.spend(&after, "9.5", at(2)).await;
            desk.spend(&after, "0.5", at(3)).await;
            assert_eq!(desk.refused(&after, at(4)).await.current, dollars("10"), "{name}");
        }
        let id = ProviderId(id);
        let limits = only(dimension, "10");
        desk.charge_provider(id, "10", at(10)).await;
        desk.full(id, &limits, at(11)).await;
        desk.charge_provider(id, "10", at(12)).await;
        assert!(desk.full(id, &limits, at(13)).await.is_some(), "{dimension:?}");
        desk.limiter.reset(Owner::Provider(id), at(14)).await.unwrap();
        assert_eq!(desk.full(id, &reset_at(14, &limits), at(15)).await, None, "{dimension:?}");
    }
    let person = Person { key_tokens: Some(100), key_rpm: Some(2), ..Person::new() };
    let ticket = desk.admitted(&person, at(0)).await;
    desk.limiter.settle(ticket, Amount { money: usd("1"), tokens: 100 }, at(1));
    desk.subject.flush().await;
    assert_eq!(desk.refused(&person, at(2)).await.limit_type, LimitType::TokensTotal);
    desk.limiter.reset(person.key_owner(), at(3)).await.unwrap();
    let person = Person { key_money: reset_at(3, &MoneyLimits::default()), ..person };
    desk.admitted(&person, at(4)).await;
    // It is about what was charged: requests per minute go on.
    let refusal = desk.refused(&person, at(5)).await;
    assert_eq!((refusal.limit_type, refusal.current), (LimitType::Rpm, Quantity::Count(2)));
}

pub(crate) async fn a_reset_keeps_what_is_reserved<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let limits = only(dimension, "10");
        let person = Person { key_money: limits.clone(), ..Person::new() };
        desk.spend(&person, "2", noon()).await;
        let ticket = desk.admitted(&person.clone().expecting("7"), at(1)).await;
        desk.limiter.reset(person.key_owner(), at(2)).await.unwrap();
        let person = Person { key_money: reset_at(2, &limits), ..person };
        assert_eq!(desk.taken(&person, at(3)).await, (dollars("0"), dollars("7")), "{dimension:?}");
        desk.settle(ticket, "6", at(4)).await;
        assert_eq!(desk.taken(&person, at(5)).await, (dollars("6"), dollars("0")), "{dimension:?}");
        // Of before the reset, however late it is told.
        desk.settle(person.ticket(), "3", at(1)).await;
        assert_eq!(desk.taken(&person, at(6)).await.0, dollars("6"), "{dimension:?}");
    }
}

pub(crate) async fn a_stale_row_does_not_take_a_reset_back<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let limits = only(dimension, "10");
        let stale = Person { key_money: limits.clone(), ..Person::new() };
        let fresh = Person { key_money: reset_at(10, &limits), ..stale.clone() };
        desk.spend(&stale, "7", noon()).await;
        desk.limiter.reset(stale.key_owner(), at(10)).await.unwrap();
        for person in [&stale, &fresh, &stale] {
            assert_eq!(desk.taken(person, at(11)).await.0, dollars("0"), "{dimension:?}");
        }
        desk.spend(&stale, "4", at(12)).await;
        for person in [&stale, &fresh, &stale] {
            assert_eq!(desk.taken(person, at(13)).await.0, dollars("4"), "{dimension:?}");
        }
    }
    // Not even when its window has to be read from the ledger for another reason.
    let limits = only((LimitType::UsdDaily, ResetMode::Fixed), "10");
    let stale = Person { key_money: limits.clone(), ..Person::new() };
    desk.spend(&stale, "7", noon()).await;
    desk.limiter.reset(stale.key_owner(), at(10)).await.unwrap();
    let moved = MoneyLimits { daily_reset_time: time(6, 0, 0, 0), ..limits };
    let (_, unknown) = desk.try_admit(&Person { key_money: moved, ..stale }, at(20)).await;
    let Known::Restore(questions) = unknown else { panic!("{unknown:?}") };
    assert_eq!(questions[0].wanted[0].from, Some(at(10)));
}

/// Charges 4 at ten seconds and 3 at thirty, and writes them down.
async fn four_and_three<S: Subject>(desk: &Desk<S>, person: &Person) -> Ledger {
    let mut ledger = Ledger::default();
    let owners = [person.key_owner(), Owner::User(person.user)];
    for (second, cost) in [(10, "4"), (30, "3")] {
        desk.spend(person, cost, at(second)).await;
        ledger.write(&owners, at(second), Entry::Charge { nanos: usd(cost).nanos(), tokens: 0 });
    }
    ledger
}

pub(crate) async fn a_reset_elsewhere_is_read_from_the_ledger<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let limits = only(dimension, "10");
        let person = Person { key_money: limits.clone(), ..Person::new() };
        let ledger = four_and_three(&desk, &person).await;
        // The row tells of a reset in between: what is left can't be told from a sum.
        let person = Person { key_money: reset_at(20, &limits), ..person };
        let (_, unknown) = desk.try_admit(&person, at(40)).await;
        let Known::Restore(questions) = unknown else { panic!("{unknown:?}") };
        for question in &questions {
            let wanted: Vec<_> = question.wanted.iter().map(|wanted| wanted.from).collect();
            assert_eq!((question.before, wanted), (at(40), vec![Some(at(20))]), "{dimension:?}");
            desk.limiter.restore(question, &ledger.answer(question), at(40)).await.unwrap();
        }
        assert_eq!(desk.taken(&person, at(41)).await.0, dollars("3"), "{dimension:?}");
        // One after the last charge leaves nothing: nobody has to be asked.
        let person = Person { key_money: reset_at(50, &limits), ..person };
        assert_eq!(desk.taken(&person, at(51)).await.0, dollars("0"), "{dimension:?}");
    }
}

pub(crate) async fn a_reset_into_the_past_keeps_what_followed<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let limits = only(dimension, "10");
        let person = Person { key_money: limits.clone(), ..Person::new() };
        let ledger = four_and_three(&desk, &person).await;
        desk.limiter.reset(person.key_owner(), at(20)).await.unwrap();
        let person = Person { key_money: reset_at(20, &limits), ..person };
        let (_, unknown) = desk.try_admit(&person, at(40)).await;
        let Known::Restore(questions) = unknown else { panic!("{unknown:?}") };
        for question in &questions {
            desk.limiter.restore(question, &ledger.answer(question), at(40)).await.unwrap();
        }
        assert_eq!(desk.taken(&person, at(41)).await.0, dollars("3"), "{dimension:?}");
    }
    // Whoever has nothing counted has nothing to lose.
    let nobody = Person { key_money: total("10"), ..Person::new() };
    desk.limiter.reset(nobody.key_owner(), at(5)).await.unwrap();
    desk.limiter.reset(Owner::Provider(ProviderId(71)), at(5)).await.unwrap();
    let limits = Limits { rpm: None, money: &nobody.key_money, tokens: None };
    let usage = desk.limiter.usage(nobody.key_owner(), limits, at(6)).await.unwrap();
    assert!(matches!(usage, Known::Restore(_)), "{usage:?}");
}
