//! What requests in flight hold of a budget.

use std::time::Duration;

use hub_rate_limit::{Amount, Cause, LimitType, Limits, Owner, Payer, Quantity, RESERVED_RETRY};
use hub_types::{AttemptId, KeyId, ProviderId, ResetMode};

use super::{Desk, MONEY, Person, Subject, at, dollars, instant, noon, only, total, usd};

pub(crate) async fn balanced_admits_what_is_expected_to_fit<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        for is_user in [true, false] {
            for (estimate, fit) in [("3", 3), ("2.5", 4), ("3.333333334", 2), ("10", 1)] {
                let limits = only(dimension, "10");
                let person = Person::new().expecting(estimate);
                let person = if is_user {
                    Person { user_money: limits, ..person }
                } else {
                    Person { key_money: limits, ..person }
                };
                for _ in 0..fit {
                    desk.admitted(&person, noon()).await;
                }
                let refusal = desk.refused(&person, noon()).await;
                let owner = if is_user { Owner::User(person.user) } else { person.key_owner() };
                assert_eq!((refusal.owner, refusal.cause), (owner, Cause::Reserved), "{dimension:?}");
            }
        }
    }
}

pub(crate) async fn balanced_admits_a_lone_request_while_anything_is_left<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let person = Person { key_money: only(dimension, "10"), ..Person::new() };
        desk.spend(&person, "9.999999999", noon()).await;
        let person = person.expecting("5");
        let ticket = desk.admitted(&person, at(1)).await;
        assert_eq!(desk.refused(&person, at(2)).await.cause, Cause::Reserved, "{dimension:?}");
        desk.release(ticket, at(3)).await;
        let ticket = desk.admitted(&person, at(4)).await;
        desk.settle(ticket, "5", at(5)).await;
        let refusal = desk.refused(&person, at(6)).await;
        assert_eq!(
            (refusal.cause, refusal.current),
            (Cause::Spent, dollars("14.999999999")),
            "{dimension:?}"
        );
    }
}

pub(crate) async fn strict_admits_only_what_fits_at_worst<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let worst = |person: Person, cost| Person {
        worst_case: Amount { money: usd(cost), tokens: 0 },
        ..person.expecting("1").strict()
    };
    let person = worst(Person { key_money: total("10"), ..Person::new() }, "4");
    let (one, two) = (desk.admitted(&person, at(0)).await, desk.admitted(&person, at(0)).await);
    assert_eq!(desk.refused(&person, at(1)).await.cause, Cause::Reserved);
    desk.settle(one, "3", at(2)).await;
    desk.settle(two, "3", at(2)).await;
    // Six and four are ten.
    let three = desk.admitted(&person, at(3)).await;
    desk.settle(three, "0.000000001", at(4)).await;
    let refusal = desk.refused(&person, at(5)).await;
    assert_eq!((refusal.cause, refusal.retry_after), (Cause::TooLarge, None));
    assert_eq!(refusal.current, dollars("6.000000001"));

    // An estimate above the worst case is what is reserved.
    let person = Person { worst_case: Amount::default(), ..person.expecting("5") };
    assert_eq!(desk.refused(&person, at(6)).await.cause, Cause::TooLarge);

    // It tells when the worst case will fit, which is later than when anything is left.
    let rolling = only((LimitType::Usd5h, ResetMode::Rolling), "10");
    let person = Person { key_money: rolling, ..Person::new() };
    for minute in 0..3 {
        desk.spend(&person, "3", at(60 * minute)).await;
    }
    let refusal = desk.refused(&worst(person.clone(), "7"), at(130)).await;
    assert_eq!((refusal.cause, refusal.reset), (Cause::TooLarge, Some(instant("2025-06-11T17:02:00Z"))));
    desk.admitted(&worst(person.clone(), "7"), instant("2025-06-11T17:02:00Z")).await;
    let never = desk.refused(&worst(person, "10.000000001"), at(130)).await;
    assert_eq!((never.cause, never.reset, never.retry_after), (Cause::TooLarge, None, None));
}

pub(crate) async fn a_refusal_by_reservations_says_so<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        for is_strict in [true, false] {
            let person = Person { user_money: only(dimension, "10"), ..Person::new() };
            let person = if is_strict { person.strict() } else { person };
            desk.spend(&person, "1", noon()).await;
            let person = person.expecting("5");
            desk.admitted(&person, at(1)).await;
            let refusal = desk.refused(&person, at(2)).await;
            assert_eq!((refusal.cause, refusal.limit_type), (Cause::Reserved, dimension.0));
            assert_eq!((refusal.current, refusal.reserved), (dollars("1"), dollars("5")), "{dimension:?}");
            assert_eq!(refusal.limit, dollars("10"));
            assert_eq!(refusal.retry_after, Some(RESERVED_RETRY), "{dimension:?}");
        }
    }
}

pub(crate) async fn a_spent_budget_refuses_even_what_costs_nothing<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for is_strict in [true, false] {
        let person = Person { key_money: total("10"), ..Person::new() };
        let person = if is_strict { person.strict() } else { person };
        let open = desk.admitted(&person.clone().expecting("1"), at(0)).await;
        desk.spend(&person, "10", at(1)).await;
        let refusal = desk.refused(&person, at(2)).await;
        assert_eq!((refusal.cause, refusal.reserved), (Cause::Spent, dollars("1")));
        desk.release(open, at(3)).await;
        assert_eq!(desk.refused(&person, at(4)).await.cause, Cause::Spent);
    }
}

pub(crate) async fn settling_replaces_the_reservation<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (cost, used) in [("2", "2"), ("6", "6"), ("0", "0"), ("-3", "0")] {
        let person =
            Person { key_money: total("10"), user_money: total("9"), ..Person::new() }.expecting("5");
        let ticket = desk.admitted(&person, at(0)).await;
        assert_eq!(desk.taken(&person, at(1)).await, (dollars("0"), dollars("5")));
        desk.settle(ticket, cost, at(2)).await;
        assert_eq!(desk.taken(&person, at(3)).await, (dollars(used), dollars("0")));
        // A request that has ended can't end again.
        desk.release(ticket, at(4)).await;
        desk.settle(ticket, cost, at(4)).await;
        assert_eq!(desk.taken(&person, at(5)).await, (dollars(used), dollars("0")));
    }
}

pub(crate) async fn releasing_drops_the_reservation<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: total("10"), user_money: total("9"), ..Person::new() }.expecting("8");
    let ticket = desk.admitted(&person, at(0)).await;
    let other = desk.admitted(&person.clone().expecting("1"), at(0)).await;
    for _ in 0..2 {
        desk.release(ticket, at(1)).await;
        assert_eq!(desk.taken(&person, at(2)).await, (dollars("0"), dollars("1")));
    }
    desk.admitted(&person, at(3)).await;
    desk.release(other, at(4)).await;
    assert_eq!(desk.taken(&person, at(5)).await, (dollars("0"), dollars("8")));
}

pub(crate) async fn a_refusal_books_nothing<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (user, key) in [("10", "100"), ("100", "10")] {
        let one = Person { user_money: total(user), key_money: total(key), ..Person::new() }.expecting("6");
        let other = Person { key: KeyId(2), ..one.clone() };
        desk.admitted(&one, at(0)).await;
        for second in 1..5 {
            desk.refused(&one, at(second)).await;
        }
        assert_eq!(desk.taken(&one, at(6)).await, (dollars("0"), dollars("6")));
        let limits = Limits { rpm: None, money: &one.user_money, tokens: None };
        let usage = desk.limiter.usage(Owner::User(one.user), limits, at(6)).await.unwrap();
        let hub_rate_limit::Known::Yes(usage) = usage else { panic!("{usage:?}") };
        assert_eq!(usage[0].reserved, dollars("6"));
        // Refused by their user's limit, other keys hold nothing of theirs.
        if user == "10" {
            desk.refused(&other, at(7)).await;
            assert_eq!(desk.taken(&other, at(8)).await, (dollars("0"), dollars("0")));
        }
    }
}

pub(crate) async fn a_settlement_without_reservation_is_charged_once<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: total("10"), user_money: total("5"), ..Person::new() };
    let known = desk.admitted(&person, at(0)).await;
    desk.release(known, at(0)).await;
    let ticket = person.ticket();
    for second in 1..4 {
        desk.settle(ticket, "3", at(second)).await;
        assert_eq!(desk.taken(&person, at(second)).await, (dollars("3"), dollars("0")));
    }
    // Released, and then it did cost something.
    desk.settle(known, "2", at(5)).await;
    assert_eq!(desk.taken(&person, at(5)).await.0, dollars("5"));
    assert_eq!(desk.refused(&person, at(6)).await.owner, Owner::User(person.user));
}

pub(crate) async fn an_admission_told_twice_books_once<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: total("10"), key_rpm: Some(2), ..Person::new() }.expecting("6");
    let ticket = desk.admitted(&person, at(0)).await;
    for second in 1..4 {
        let again = desk.limiter.admit(&person.admission(ticket), at(second)).await.unwrap();
        assert_eq!(again, hub_rate_limit::Known::Yes(hub_rate_limit::Verdict::Admitted));
    }
    let usage = desk.usage(&person, at(5)).await;
    assert_eq!((usage[0].used, usage[1].reserved), (Quantity::Count(1), dollars("6")));
    desk.settle(ticket, "4", at(6)).await;
    assert_eq!(desk.usage(&person, at(7)).await[1].reserved, dollars("0"));
}

pub(crate) async fn attempts_are_charged_once<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (id, limits) = (ProviderId(7), total("10"));
    let owner = Owner::Provider(id);
    let money = Limits { rpm: None, money: &limits, tokens: None };
    assert_eq!(desk.full(id, &limits, at(0)).await, None);
    let (attempt, actual) = (AttemptId::fresh(), Amount { money: usd("4"), tokens: 0 });
    for second in 1..4 {
        desk.limiter.charge(attempt, Payer::Provider(id), actual, at(second));
        desk.subject.flush().await;
        let usage = desk.limiter.usage(owner, money, at(second)).await.unwrap();
        let hub_rate_limit::Known::Yes(usage) = usage else { panic!("{usage:?}") };
        assert_eq!(usage[0].used, dollars("4"));
    }
    desk.charge_provider(id, "6", at(5)).await;
    assert_eq!(desk.full(id, &limits, at(6)).await.map(|refusal| refusal.current), Some(dollars("10")));
}

pub(crate) async fn late_attempts_are_charged_to_their_callers<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: total("10"), user_money: total("3"), key_rpm: Some(9), ..Person::new() };
    desk.spend(&person, "1", at(0)).await;
    let (attempt, actual) = (AttemptId::fresh(), Amount { money: usd("2"), tokens: 0 });
    for second in 1..4 {
        // The provider's windows are charged with the same attempt, apart.
        desk.limiter.charge(attempt, Payer::Provider(ProviderId(8)), actual, at(second));
        desk.limiter.charge(attempt, Payer::Caller(person.user, person.key), actual, at(second));
        desk.subject.flush().await;
    }
    let usage = desk.usage(&person, at(5)).await;
    assert_eq!((usage[0].used, usage[1].used), (Quantity::Count(1), dollars("3")), "it is no request");
    let refusal = desk.refused(&person, at(6)).await;
    assert_eq!((refusal.owner, refusal.current), (Owner::User(person.user), dollars("3")));
}

pub(crate) async fn tokens_are_reserved_too<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let amount = Amount { money: usd("1"), tokens: 60 };
    for is_strict in [true, false] {
        let person = Person { key_tokens: Some(100), estimate: amount, worst_case: amount, ..Person::new() };
        let person = if is_strict { person.strict() } else { person };
        let ticket = desk.admitted(&person, at(0)).await;
        let refusal = desk.refused(&person, at(1)).await;
        assert_eq!((refusal.limit_type, refusal.cause), (LimitType::TokensTotal, Cause::Reserved));
        assert_eq!((refusal.reserved, refusal.reset), (Quantity::Count(60), None));
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(2)));
        desk.limiter.settle(ticket, Amount { tokens: 30, ..amount }, at(2));
        desk.subject.flush().await;
        assert_eq!(desk.taken(&person, at(3)).await, (Quantity::Count(30), Quantity::Count(0)));
        desk.admitted(&person, at(4)).await;
    }
}
