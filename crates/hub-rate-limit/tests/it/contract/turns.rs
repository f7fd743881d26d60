//! Windows that turn by the wall clock of the system's zone.

use hub_rate_limit::{Cause, LimitType};
use hub_types::{MoneyLimits, ResetMode};
use jiff::SignedDuration;
use jiff::civil::Time;

use super::{Desk, Dimension, Person, Subject, at, dollars, instant, only};

const DAY: Dimension = (LimitType::UsdDaily, ResetMode::Fixed);
const WEEK: Dimension = (LimitType::UsdWeekly, ResetMode::Fixed);
const MONTH: Dimension = (LimitType::UsdMonthly, ResetMode::Fixed);

const NIGHT: Time = Time::constant(0, 0, 0, 0);
const PAST_ONE: Time = Time::constant(1, 30, 0, 0);
const PAST_TWO: Time = Time::constant(2, 30, 0, 0);

/// The window, the daily reset time, when everything is spent, and when that is forgotten.
type Turn = (Dimension, Time, &'static str, &'static str);

const UTC: &[Turn] = &[
    (DAY, NIGHT, "2025-12-31T23:59:58Z", "2026-01-01T00:00:00Z"),
    (DAY, NIGHT, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    (WEEK, NIGHT, "2026-01-04T23:00:00Z", "2026-01-05T00:00:00Z"),
    (WEEK, NIGHT, "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"),
    (MONTH, NIGHT, "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z"),
    (MONTH, NIGHT, "2025-12-31T23:59:58Z", "2026-01-01T00:00:00Z"),
];

const SHANGHAI: &[Turn] = &[
    (DAY, NIGHT, "2025-12-31T15:59:58Z", "2025-12-31T16:00:00Z"),
    (DAY, Time::constant(18, 30, 0, 0), "2026-02-28T10:29:58Z", "2026-02-28T10:30:00Z"),
    (DAY, Time::constant(18, 30, 0, 0), "2026-02-28T10:30:00Z", "2026-03-01T10:30:00Z"),
    (WEEK, NIGHT, "2026-01-04T15:59:00Z", "2026-01-04T16:00:00Z"),
    (WEEK, NIGHT, "2026-01-04T16:00:00Z", "2026-01-11T16:00:00Z"),
    (MONTH, NIGHT, "2025-12-31T15:00:00Z", "2025-12-31T16:00:00Z"),
    (MONTH, NIGHT, "2025-12-31T16:00:00Z", "2026-01-31T16:00:00Z"),
];

const BERLIN: &[Turn] = &[
    // Days of 23 and of 25 hours.
    (DAY, NIGHT, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
    (DAY, NIGHT, "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"),
    // Half past two does not exist on one day, and twice on the other.
    (DAY, PAST_TWO, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
    (DAY, PAST_TWO, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
    (DAY, PAST_TWO, "2025-10-25T12:00:00Z", "2025-10-26T00:30:00Z"),
    (DAY, PAST_TWO, "2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"),
    (WEEK, NIGHT, "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
    (WEEK, NIGHT, "2025-10-19T22:00:00Z", "2025-10-26T23:00:00Z"),
    (MONTH, NIGHT, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
    (MONTH, NIGHT, "2025-09-30T22:00:00Z", "2025-10-31T23:00:00Z"),
];

const NEW_YORK: &[Turn] = &[
    (DAY, NIGHT, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
    (DAY, NIGHT, "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"),
    (DAY, PAST_TWO, "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z"),
    (DAY, PAST_TWO, "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"),
    (DAY, PAST_ONE, "2025-11-02T04:00:00Z", "2025-11-02T05:30:00Z"),
    (DAY, PAST_ONE, "2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z"),
    (WEEK, NIGHT, "2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"),
    (WEEK, NIGHT, "2025-10-27T04:00:00Z", "2025-11-03T05:00:00Z"),
    (MONTH, NIGHT, "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
    (MONTH, NIGHT, "2025-11-01T04:00:00Z", "2025-12-01T05:00:00Z"),
];

pub(crate) async fn windows_turn_by_the_clock_of_the_zone<S: Subject>() {
    let zones = [
        ("UTC", UTC),
        ("Asia/Shanghai", SHANGHAI),
        ("Europe/Berlin", BERLIN),
        ("America/New_York", NEW_YORK),
    ];
    for (zone, turns) in zones {
        let desk = Desk::<S>::within(zone).await;
        for (dimension, daily_reset_time, spent, turn) in turns {
            let name = format!("{dimension:?} in {zone}, reset at {daily_reset_time}, from {spent}");
            let limits = MoneyLimits { daily_reset_time: *daily_reset_time, ..only(*dimension, "10") };
            let person = Person { key_money: limits, ..Person::new() };
            let (spent, turn) = (instant(spent), instant(turn));
            desk.spend(&person, "10", spent).await;
            let second = SignedDuration::from_secs(1);
            let refusal = desk.refused(&person, spent + second).await;
            assert_eq!((refusal.limit_type, refusal.cause), (dimension.0, Cause::Spent), "{name}");
            assert_eq!(refusal.reset, Some(turn), "{name}");
            let wait = refusal.retry_after.map(|wait| SignedDuration::try_from(wait).unwrap());
            assert_eq!(wait.map(|wait| spent + second + wait), Some(turn), "{name}");
            assert_eq!(desk.usage(&person, spent + second).await[0].reset, Some(turn), "{name}");
            let reset = desk.refused(&person, turn - SignedDuration::from_millis(1)).await.reset;
            assert_eq!(reset, Some(turn), "{name}, right before it turns");
            desk.admitted(&person, turn).await;
        }
    }
}

pub(crate) async fn a_window_that_turned_unnoticed_is_empty<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (dimension, now, reset) in [
        (DAY, "2025-06-14T08:00:00Z", "2025-06-15T00:00:00Z"),
        (WEEK, "2025-07-03T08:00:00Z", "2025-07-07T00:00:00Z"),
        (MONTH, "2025-10-03T08:00:00Z", "2025-11-01T00:00:00Z"),
    ] {
        let person = Person { key_money: only(dimension, "10"), ..Person::new() };
        desk.spend(&person, "10", at(0)).await;
        desk.admitted(&person, instant(now)).await;
        assert_eq!(desk.taken(&person, instant(now)).await.0, dollars("0"), "{dimension:?}");
        assert_eq!(desk.usage(&person, instant(now)).await[0].reset, Some(instant(reset)), "{dimension:?}");
    }
}

pub(crate) async fn what_is_reserved_stays_reserved_over_a_turn<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: only(DAY, "10"), ..Person::new() }.expecting("6");
    let ticket = desk.admitted(&person, instant("2025-06-11T23:59:00Z")).await;
    let refusal = desk.refused(&person, instant("2025-06-11T23:59:59Z")).await;
    assert_eq!(refusal.cause, Cause::Reserved);
    assert_eq!(refusal.retry_after, Some(std::time::Duration::from_secs(1)), "the window turns first");
    let refusal = desk.refused(&person, instant("2025-06-12T00:00:00Z")).await;
    assert_eq!((refusal.current, refusal.reserved), (dollars("0"), dollars("6")));
    desk.settle(ticket, "5", instant("2025-06-12T00:00:05Z")).await;
    assert_eq!(desk.taken(&person, instant("2025-06-12T00:00:06Z")).await, (dollars("5"), dollars("0")));
}

pub(crate) async fn a_charge_after_the_turn_counts_in_the_new_window<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (dimension, midnight, reset) in [
        (DAY, "2025-06-12T00:00:00Z", "2025-06-13T00:00:00Z"),
        (WEEK, "2025-06-16T00:00:00Z", "2025-06-23T00:00:00Z"),
        (MONTH, "2025-07-01T00:00:00Z", "2025-08-01T00:00:00Z"),
    ] {
        let person = Person { key_money: only(dimension, "10"), ..Person::new() };
        let after = |millis| instant(midnight) + SignedDuration::from_millis(millis);
        desk.spend(&person, "5", after(-20_000)).await;
        let (before, across) =
            (desk.admitted(&person, after(-10_000)).await, desk.admitted(&person, after(-9_000)).await);
        // Nobody has asked since the window turned.
        desk.settle(across, "4", after(0)).await;
        assert_eq!(desk.taken(&person, after(1)).await.0, dollars("4"), "{dimension:?}");
        // Told late, but of before.
        desk.settle(before, "3", after(-1)).await;
        assert_eq!(desk.taken(&person, after(2)).await.0, dollars("4"), "{dimension:?}");
        assert_eq!(desk.usage(&person, after(2)).await[0].reset, Some(instant(reset)), "{dimension:?}");
    }
}

pub(crate) async fn a_slower_clock_does_not_turn_a_window_back<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: only(DAY, "10"), ..Person::new() };
    let (yesterday, today) = (instant("2025-06-11T23:59:58Z"), instant("2025-06-12T00:00:01Z"));
    desk.spend(&person, "9", yesterday).await;
    desk.spend(&person, "3", today).await;
    // Another hub's clock is two seconds behind.
    let behind = today - SignedDuration::from_secs(2);
    assert_eq!(desk.taken(&person, behind).await.0, dollars("3"));
    desk.spend(&person, "2", behind).await;
    assert_eq!(desk.taken(&person, today).await.0, dollars("3"), "what it charges was yesterday");
    desk.spend(&person, "7", today).await;
    assert_eq!(desk.refused(&person, behind).await.current, dollars("10"));
    assert_eq!(desk.refused(&person, today).await.reset, Some(instant("2025-06-13T00:00:00Z")));
}
