//! Every dimension of money, below, at and over its limit.

use std::time::Duration;

use hub_rate_limit::{Amount, Cause, LimitType, Limits, Owner, Quantity};
use hub_types::{MoneyLimits, ProviderId, ResetMode};
use jiff::{SignedDuration, Timestamp};

use super::{Desk, Dimension, MONEY, Person, Subject, at, dollars, instant, noon, only, total, usd};

/// When a charge at noon counts no longer.
fn reset((kind, mode): Dimension) -> Option<Timestamp> {
    let text = match (kind, mode) {
        (LimitType::Usd5h, ResetMode::Rolling) => "2025-06-11T17:01:00Z",
        (LimitType::Usd5h, ResetMode::Fixed) => "2025-06-11T17:00:20Z",
        (LimitType::UsdDaily, ResetMode::Fixed) => "2025-06-12T00:00:00Z",
        (LimitType::UsdDaily, ResetMode::Rolling) => "2025-06-12T12:01:00Z",
        (LimitType::UsdWeekly, _) => "2025-06-16T00:00:00Z",
        (LimitType::UsdMonthly, _) => "2025-07-01T00:00:00Z",
        _ => return None,
    };
    Some(instant(text))
}

pub(crate) async fn below_a_limit_requests_pass_and_at_or_over_it_they_do_not<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        for is_user in [true, false] {
            for is_strict in [true, false] {
                for (last, current) in [("6", "10"), ("6.000000001", "10.000000001"), ("20", "24")] {
                    let limits = only(dimension, "10");
                    let none = MoneyLimits::default();
                    let (user_money, key_money) = if is_user { (limits, none) } else { (none, limits) };
                    let person = Person { user_money, key_money, ..Person::new() }.expecting("1");
                    let person = if is_strict { person.strict() } else { person };
                    let name = format!("{dimension:?}, user {is_user}, strict {is_strict}, {current}");
                    desk.spend(&person, "4", noon()).await;
                    desk.spend(&person, last, noon()).await;
                    let refusal = desk.refused(&person, at(5)).await;
                    let owner = if is_user { Owner::User(person.user) } else { person.key_owner() };
                    assert_eq!((refusal.owner, refusal.limit_type), (owner, dimension.0), "{name}");
                    assert_eq!((refusal.cause, refusal.reset), (Cause::Spent, reset(dimension)), "{name}");
                    assert_eq!((refusal.current, refusal.limit), (dollars(current), dollars("10")), "{name}");
                    let wait = refusal.retry_after.map(|wait| SignedDuration::try_from(wait).unwrap());
                    assert_eq!(wait.map(|wait| at(5) + wait), reset(dimension), "{name}");
                    if let Some(reset) = reset(dimension) {
                        desk.refused(&person, reset - SignedDuration::from_millis(1)).await;
                        desk.admitted(&person, reset).await;
                    } else {
                        desk.refused(&person, instant("2035-01-01T00:00:00Z")).await;
                    }
                }
            }
        }
    }
}

pub(crate) async fn providers_have_room_below_a_limit_and_none_at_or_over_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let mut id = ProviderId(0);
    for dimension in MONEY {
        for (last, current) in [("6", "10"), ("9", "13")] {
            id.0 += 1;
            let limits = only(dimension, "10");
            assert_eq!(desk.full(id, &limits, noon()).await, None, "{dimension:?}");
            desk.charge_provider(id, "4", noon()).await;
            assert_eq!(desk.full(id, &limits, at(1)).await, None, "{dimension:?}");
            desk.charge_provider(id, last, noon()).await;
            let refusal = desk.full(id, &limits, at(1)).await.unwrap();
            assert_eq!((refusal.owner, refusal.limit_type), (Owner::Provider(id), dimension.0));
            assert_eq!((refusal.current, refusal.reset), (dollars(current), reset(dimension)));
            if let Some(reset) = reset(dimension) {
                assert!(desk.full(id, &limits, reset - SignedDuration::from_millis(1)).await.is_some());
                assert_eq!(desk.full(id, &limits, reset).await, None, "{dimension:?}");
            }
        }
    }
    // All candidates at once, each with its own answer.
    let (limits, none) = (total("10"), MoneyLimits::default());
    let limited = Limits { rpm: None, money: &limits, tokens: None };
    let unlimited = Limits { money: &none, ..limited };
    let candidates = [(id, limited), (ProviderId(900), unlimited), (id, unlimited)];
    let rooms = desk.limiter.room(&candidates, at(2)).await.unwrap();
    let answers: Vec<_> =
        rooms.into_iter().map(|room| matches!(room, hub_rate_limit::Known::Yes(None))).collect();
    assert_eq!(answers, [false, true, true]);
}

pub(crate) async fn zero_and_none_are_no_limit<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let person = Person {
            user_money: only(dimension, "0"),
            user_rpm: Some(0),
            key_tokens: Some(0),
            ..Person::new()
        };
        for _ in 0..3 {
            desk.spend(&person.clone().expecting("1000").strict(), "1000", noon()).await;
        }
    }
}

pub(crate) async fn limits_of_key_and_user_both_apply<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (user, key, is_user) in [("5", "10", true), ("10", "5", false), ("5", "5", false)] {
        let person = Person { user_money: total(user), key_money: total(key), ..Person::new() };
        desk.spend(&person, "5", noon()).await;
        let owner = if is_user { Owner::User(person.user) } else { person.key_owner() };
        assert_eq!(desk.refused(&person, at(1)).await.owner, owner, "{user}, {key}");
    }
}

pub(crate) async fn rolling_windows_forget_minute_by_minute<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (kind, hours) in [(LimitType::Usd5h, 5), (LimitType::UsdDaily, 24)] {
        let person = Person { key_money: only((kind, ResetMode::Rolling), "10"), ..Person::new() };
        let span = SignedDuration::from_hours(hours);
        for (minute, cost) in [(0, "1"), (1, "2"), (2, "8")] {
            desk.spend(&person, cost, at(60 * minute)).await;
        }
        // The first dollar alone makes no room, since used has to be below the limit; the second charge does.
        assert_eq!(desk.refused(&person, at(130)).await.reset, Some(instant("2025-06-11T12:02:00Z") + span));
        let after = |seconds| noon() + span + SignedDuration::from_secs(seconds);
        assert_eq!(desk.taken(&person, after(39)).await.0, dollars("11"));
        assert_eq!(desk.taken(&person, after(40)).await.0, dollars("10"));
        assert_eq!(desk.taken(&person, after(100)).await.0, dollars("8"));
        assert_eq!(desk.taken(&person, after(160)).await.0, dollars("0"));
    }
}

pub(crate) async fn fixed_hours_begin_with_the_first_charge<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: only((LimitType::Usd5h, ResetMode::Fixed), "10"), ..Person::new() };
    let ticket = desk.admitted(&person, at(0)).await;
    assert_eq!(desk.usage(&person, at(50)).await[0].reset, None, "nothing was charged yet");
    desk.spend(&person, "0", at(60)).await;
    assert_eq!(desk.usage(&person, at(61)).await[0].reset, None, "what cost nothing is no charge");
    desk.settle(ticket, "1", at(100)).await;
    desk.spend(&person, "2", at(3600)).await;
    assert_eq!(desk.usage(&person, at(3600)).await[0].reset, Some(at(100 + 18_000)));
    assert_eq!(desk.taken(&person, at(99 + 18_000)).await.0, dollars("3"));
    assert_eq!(desk.taken(&person, at(100 + 18_000)).await.0, dollars("0"));
    desk.spend(&person, "4", at(40_000)).await;
    assert_eq!(desk.usage(&person, at(40_001)).await[0].reset, Some(at(58_000)));
    assert_eq!(desk.taken(&person, at(40_001)).await.0, dollars("4"));
}

pub(crate) async fn the_longest_refusal_is_told<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let mut limits = MoneyLimits::default();
    let spent = async |limits: &MoneyLimits| {
        let person = Person { user_money: limits.clone(), ..Person::new() };
        let person = Person { user_rpm: Some(1), ..person };
        desk.spend(&person, "5", noon()).await;
        desk.refused(&person, at(1)).await.limit_type
    };
    assert_eq!(spent(&limits).await, LimitType::Rpm);
    limits.limit_5h_usd = Some(usd("5"));
    assert_eq!(spent(&limits).await, LimitType::Usd5h);
    limits.limit_daily_usd = Some(usd("5"));
    assert_eq!(spent(&limits).await, LimitType::UsdDaily);
    limits.limit_weekly_usd = Some(usd("5"));
    assert_eq!(spent(&limits).await, LimitType::UsdWeekly);
    limits.limit_monthly_usd = Some(usd("5"));
    assert_eq!(spent(&limits).await, LimitType::UsdMonthly);
    limits.limit_total_usd = Some(usd("5"));
    assert_eq!(spent(&limits).await, LimitType::UsdTotal);
}

pub(crate) async fn usage_tells_every_window<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let limit = Some(usd("10"));
    let key_money = MoneyLimits {
        limit_5h_usd: limit,
        limit_daily_usd: limit,
        limit_weekly_usd: limit,
        limit_monthly_usd: limit,
        limit_total_usd: limit,
        ..MoneyLimits::default()
    };
    let person =
        Person { key_money, key_rpm: Some(9), key_tokens: Some(100), ..Person::new() }.expecting("2");
    let ticket = desk.admitted(&person, noon()).await;
    desk.limiter.settle(ticket, Amount { money: usd("3"), tokens: 7 }, noon());
    desk.subject.flush().await;
    desk.admitted(&person, at(1)).await;
    let usage = desk.usage(&person, at(2)).await;
    let kinds: Vec<_> = usage.iter().map(|window| window.limit_type).collect();
    assert_eq!(kinds, LimitType::ALL);
    for window in usage {
        let dimension = match window.limit_type {
            LimitType::Rpm => {
                assert_eq!((window.used, window.reserved), (Quantity::Count(2), Quantity::Count(0)));
                assert_eq!(window.reset, Some(instant("2025-06-11T12:01:22Z")));
                continue;
            }
            LimitType::TokensTotal => {
                assert_eq!((window.used, window.limit), (Quantity::Count(7), Quantity::Count(100)));
                continue;
            }
            LimitType::Usd5h => (LimitType::Usd5h, ResetMode::Rolling),
            other => (other, ResetMode::Fixed),
        };
        assert_eq!((window.used, window.reserved), (dollars("3"), dollars("2")), "{dimension:?}");
        assert_eq!((window.limit, window.reset), (dollars("10"), reset(dimension)), "{dimension:?}");
    }
}

pub(crate) async fn tokens_are_limited_in_total<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (last, is_over) in [(499, false), (500, true), (700, true)] {
        let person = Person { key_tokens: Some(1000), ..Person::new() };
        for tokens in [500, last] {
            let ticket = desk.admitted(&person, noon()).await;
            desk.limiter.settle(ticket, Amount { money: usd("1"), tokens }, noon());
            desk.subject.flush().await;
        }
        if is_over {
            let refusal = desk.refused(&person, at(1)).await;
            assert_eq!((refusal.limit_type, refusal.owner), (LimitType::TokensTotal, person.key_owner()));
            assert_eq!(
                (refusal.current, refusal.limit),
                (Quantity::Count(500 + last), Quantity::Count(1000))
            );
            assert_eq!((refusal.reset, refusal.retry_after), (None::<Timestamp>, None::<Duration>));
        } else {
            desk.admitted(&person, at(1)).await;
        }
    }
}
