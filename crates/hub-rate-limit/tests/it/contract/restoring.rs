//! Counters that are lost, and how they come back from the ledger.

use hub_rate_limit::{Grain, Known, LimitType, Limits, Owner, Past, RESTORE_LEASE, Restore, Slot, Verdict};
use hub_types::{MoneyLimits, ProviderId, ResetMode};
use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Desk, Dimension, MONEY, Person, Subject, at, dollars, instant, noon, only, total, usd};
use crate::ledger::{Entry, Ledger};

const DAY: Dimension = (LimitType::UsdDaily, ResetMode::Fixed);

/// Counters, from when on they are read, and how finely.
type Counters = &'static [(Slot, &'static str, Grain)];

/// A ledger that knows of these charges to key and user.
fn ledger(person: &Person, charges: &[(i64, &str)]) -> Ledger {
    let mut ledger = Ledger::default();
    for (second, cost) in charges {
        let entry = Entry::Charge { nanos: usd(cost).nanos(), tokens: 0 };
        ledger.write(&[person.key_owner(), Owner::User(person.user)], at(*second), entry);
    }
    ledger
}

impl<S: Subject> Desk<S> {
    /// What a new admission asks the ledger.
    async fn questions(&self, person: &Person, now: Timestamp) -> Vec<Restore> {
        match self.try_admit(person, now).await.1 {
            Known::Restore(questions) => questions,
            known => panic!("{known:?}"),
        }
    }

    async fn answer(&self, questions: &[Restore], ledger: &Ledger, now: Timestamp) {
        for question in questions {
            self.limiter.restore(question, &ledger.answer(question), now).await.unwrap();
        }
    }
}

/// The counters that are asked for, sorted.
fn slots(questions: &[Restore]) -> Vec<Slot> {
    let mut slots: Vec<_> = questions.iter().flat_map(|question| &question.wanted).map(|w| w.slot).collect();
    slots.sort();
    slots
}

pub(crate) async fn an_unknown_owner_is_read_from_the_ledger<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let limits = only(dimension, "10");
        let person = Person { key_money: limits.clone(), user_money: limits, ..Person::new() }.expecting("3");
        let questions = desk.questions(&person, at(0)).await;
        let mut owners: Vec<_> = questions.iter().map(|question| question.owner).collect();
        owners.sort();
        assert_eq!(owners, [Owner::User(person.user), person.key_owner()], "{dimension:?}");
        assert!(questions.iter().all(|question| question.before == at(0)));
        desk.answer(&questions, &ledger(&person, &[(-60, "4"), (-30, "2")]), at(1)).await;
        assert_eq!(desk.taken(&person, at(2)).await, (dollars("6"), dollars("0")), "{dimension:?}");
        desk.admitted(&person, at(3)).await;
        assert_eq!(desk.taken(&person, at(4)).await, (dollars("6"), dollars("3")), "{dimension:?}");
    }
    // Only for whom anything is limited.
    let person = Person { user_money: total("10"), ..Person::new() };
    let questions = desk.questions(&person, at(0)).await;
    assert_eq!(questions.iter().map(|q| q.owner).collect::<Vec<_>>(), [Owner::User(person.user)]);
    assert_eq!(desk.try_admit(&Person::new(), at(0)).await.1, Known::Yes(Verdict::Admitted));
}

pub(crate) async fn only_one_reads_at_a_time<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: total("10"), user_money: total("10"), ..Person::new() };
    let questions = desk.questions(&person, at(0)).await;
    for second in 0..4 {
        assert_eq!(desk.try_admit(&person, at(second)).await.1, Known::Restoring);
    }
    desk.answer(&questions, &ledger(&person, &[(-5, "7")]), at(4)).await;
    desk.admitted(&person, at(4)).await;
    assert_eq!(desk.taken(&person, at(5)).await.0, dollars("7"));
    // Answered already: it is not added again.
    desk.answer(&questions, &ledger(&person, &[(-5, "7")]), at(6)).await;
    assert_eq!(desk.taken(&person, at(7)).await.0, dollars("7"));
}

pub(crate) async fn the_question_names_windows_and_their_beginnings<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let limit = Some(usd("10"));
    let rolling = MoneyLimits {
        limit_5h_usd: limit,
        limit_daily_usd: limit,
        daily_reset_mode: ResetMode::Rolling,
        limit_weekly_usd: limit,
        limit_monthly_usd: limit,
        limit_total_usd: limit,
        ..MoneyLimits::default()
    };
    let fixed = MoneyLimits {
        limit_5h_reset_mode: ResetMode::Fixed,
        daily_reset_mode: ResetMode::Fixed,
        limit_weekly_usd: None,
        limit_monthly_usd: None,
        limit_total_usd: None,
        ..rolling
    };
    let reset = MoneyLimits { cost_reset_at: Some(instant("2025-06-10T18:30:00Z")), ..rolling };
    let expected: [(_, _, Counters); 3] = [
        (
            rolling,
            Some(9),
            &[
                (Slot::Rolling5h, "2025-06-11T06:59:20Z", Grain::Minute),
                (Slot::Rolling24h, "2025-06-10T11:59:20Z", Grain::Minute),
                (Slot::Weekly, "2025-06-09T00:00:00Z", Grain::Whole),
                (Slot::Monthly, "2025-06-01T00:00:00Z", Grain::Whole),
                (Slot::Total, "", Grain::Whole),
                (Slot::Tokens, "", Grain::Whole),
            ],
        ),
        (
            fixed,
            None,
            &[
                (Slot::Fixed5h, "2025-06-04T12:00:20Z", Grain::Minute),
                (Slot::Daily, "2025-06-11T00:00:00Z", Grain::Whole),
            ],
        ),
        (
            reset,
            Some(9),
            &[
                (Slot::Rolling5h, "2025-06-11T06:59:20Z", Grain::Minute),
                (Slot::Rolling24h, "2025-06-10T18:30:00Z", Grain::Minute),
                (Slot::Weekly, "2025-06-10T18:30:00Z", Grain::Whole),
                (Slot::Monthly, "2025-06-10T18:30:00Z", Grain::Whole),
                (Slot::Total, "2025-06-10T18:30:00Z", Grain::Whole),
                (Slot::Tokens, "2025-06-10T18:30:00Z", Grain::Whole),
            ],
        ),
    ];
    for (key_money, key_tokens, expected) in expected {
        let person = Person { key_money, key_tokens, key_rpm: Some(9), ..Person::new() };
        let questions = desk.questions(&person, noon()).await;
        assert!(questions.iter().all(|question| question.before == noon()));
        let mut wanted: Vec<_> = questions.into_iter().flat_map(|question| question.wanted).collect();
        wanted.sort_by_key(|wanted| wanted.slot);
        // Whether requests of the last minute may be missing is the limiter's to know.
        if let Some(rpm) = wanted.iter().position(|wanted| wanted.slot == Slot::Rpm) {
            let rpm = wanted.remove(rpm);
            assert_eq!((rpm.from, rpm.grain), (Some(instant("2025-06-11T11:59:19Z")), Grain::Second));
        }
        let told: Vec<_> = wanted
            .iter()
            .map(|wanted| {
                (wanted.slot, wanted.from.map_or(String::new(), |from| from.to_string()), wanted.grain)
            })
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(slot, from, grain)| (*slot, (*from).to_owned(), *grain)).collect();
        assert_eq!(told, expected);
    }
}

pub(crate) async fn what_was_charged_meanwhile_counts_once<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY {
        let person = Person { key_money: only(dimension, "100"), ..Person::new() };
        // Nobody is there to count it.
        desk.settle(person.ticket(), "32", at(-2)).await;
        let questions = desk.questions(&person, at(0)).await;
        // Of before: the ledger has it, however late it is told.
        desk.settle(person.ticket(), "1", at(-1)).await;
        let since = person.ticket();
        desk.settle(since, "2", at(0)).await;
        desk.settle(person.ticket(), "4", at(2)).await;
        desk.settle(since, "2", at(3)).await;
        let ledger = ledger(&person, &[(-10, "8"), (-2, "32"), (-1, "1"), (0, "2"), (2, "4")]);
        desk.answer(&questions, &ledger, at(4)).await;
        assert_eq!(desk.taken(&person, at(5)).await.0, dollars("47"), "{dimension:?}");
        desk.settle(person.ticket(), "8", at(-10)).await;
        assert_eq!(desk.taken(&person, at(6)).await.0, dollars("47"), "{dimension:?}, told very late");
        desk.settle(person.ticket(), "16", at(6)).await;
        assert_eq!(desk.taken(&person, at(7)).await.0, dollars("63"), "{dimension:?}");
    }
}

pub(crate) async fn rolling_windows_come_back_minute_by_minute<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (kind, hours) in [(LimitType::Usd5h, 5), (LimitType::UsdDaily, 24)] {
        let person = Person { key_money: only((kind, ResetMode::Rolling), "10"), ..Person::new() };
        let span = hours * 3600;
        let questions = desk.questions(&person, at(0)).await;
        // The first two are of one minute; the one before the window's edge counts no longer.
        let past = [(-span - 120, "64"), (-7201, "1"), (-7210, "2"), (-60, "4")];
        desk.answer(&questions, &ledger(&person, &past), at(0)).await;
        desk.settle(person.ticket(), "8", at(1)).await;
        assert_eq!(desk.taken(&person, at(2)).await.0, dollars("15"), "{kind}");
        for (second, left) in [(-7180, "15"), (-7160, "12"), (-21, "12"), (-20, "8"), (40, "0")] {
            assert_eq!(desk.taken(&person, at(second + span)).await.0, dollars(left), "{kind}, {second}");
        }
    }
    let person = Person { key_rpm: Some(3), ..Person::new() };
    if let Known::Restore(questions) = desk.try_admit(&person, at(0)).await.1 {
        let mut ledger = Ledger::default();
        for second in [-62, -59, -59, -10] {
            ledger.write(&[person.key_owner()], at(second), Entry::Request);
        }
        desk.answer(&questions, &ledger, at(0)).await;
        desk.refused(&person, at(1)).await;
        desk.admitted(&person, at(2)).await;
        desk.admitted(&person, at(2)).await;
        desk.refused(&person, at(3)).await;
    }
}

pub(crate) async fn a_fixed_window_comes_back_with_its_beginning<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let fixed = || Person { key_money: only((LimitType::Usd5h, ResetMode::Fixed), "10"), ..Person::new() };
    let hour = 3600;
    for (past, used, reset) in [
        // One window was over an hour ago, the next has begun thereafter.
        (&[(-6 * hour, "5"), (-2 * hour, "4"), (-1800, "2")][..], "2", Some(-1800 + 5 * hour)),
        (&[(-4 * hour, "5"), (-2 * hour, "4"), (-1800, "2")], "11", Some(hour)),
        (&[(-6 * hour, "5")], "0", None),
        (&[], "0", None),
    ] {
        let person = fixed();
        let questions = desk.questions(&person, at(0)).await;
        desk.answer(&questions, &ledger(&person, past), at(1)).await;
        let usage = desk.usage(&person, at(2)).await;
        assert_eq!((usage[0].used, usage[0].reset), (dollars(used), reset.map(at)), "{past:?}");
    }
    // What came in meanwhile falls into the window that was open, or opens one when that is over.
    for (past, used, reset) in [((-hour, "7"), "11", 4 * hour), ((2 - 5 * hour, "7"), "3", 5 * hour + 90)] {
        let person = fixed();
        let questions = desk.questions(&person, at(0)).await;
        desk.settle(person.ticket(), "1", at(1)).await;
        desk.settle(person.ticket(), "3", at(90)).await;
        desk.answer(&questions, &ledger(&person, &[past]), at(91)).await;
        let usage = desk.usage(&person, at(92)).await;
        assert_eq!((usage[0].used, usage[0].reset), (dollars(used), Some(at(reset))), "{past:?}");
    }
}

pub(crate) async fn an_answer_for_a_window_that_has_turned_is_ignored<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: only(DAY, "10"), ..Person::new() };
    let midnight = instant("2025-06-12T00:00:00Z");
    let after = |seconds| midnight + SignedDuration::from_secs(seconds);
    let questions = desk.questions(&person, after(-1)).await;
    desk.settle(person.ticket(), "3", after(1)).await;
    let past = Past { wanted: questions[0].wanted[0], charges: vec![(after(-2), usd("10").nanos())] };
    desk.limiter.restore(&questions[0], &[past], after(2)).await.unwrap();
    desk.admitted(&person, after(3)).await;
    assert_eq!(desk.taken(&person, after(4)).await.0, dollars("3"));
    // Turned by a question instead of by a charge.
    let person = Person { key_money: only(DAY, "10"), ..Person::new() };
    let questions = desk.questions(&person, after(-1)).await;
    desk.admitted(&person, after(1)).await;
    let past = Past { wanted: questions[0].wanted[0], charges: vec![(after(-2), usd("10").nanos())] };
    desk.limiter.restore(&questions[0], &[past], after(2)).await.unwrap();
    assert_eq!(desk.taken(&person, after(3)).await.0, dollars("0"));
}

pub(crate) async fn a_new_limit_is_read_from_the_ledger<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for dimension in MONEY.into_iter().filter(|(kind, _)| *kind != LimitType::UsdTotal) {
        let person = Person { key_money: total("100"), ..Person::new() };
        desk.spend(&person, "4", at(0)).await;
        let limits = MoneyLimits { limit_total_usd: Some(usd("100")), ..only(dimension, "10") };
        let person = Person { key_money: limits, ..person };
        let questions = desk.questions(&person, at(10)).await;
        assert_eq!(slots(&questions).len(), 1, "the total is known: {questions:?}");
        desk.answer(&questions, &ledger(&person, &[(-1, "2"), (0, "4")]), at(11)).await;
        let usage = desk.usage(&person, at(12)).await;
        assert_eq!((usage[0].limit_type, usage[0].used), (dimension.0, dollars("6")), "{dimension:?}");
        assert_eq!((usage[1].limit_type, usage[1].used), (LimitType::UsdTotal, dollars("4")));
    }
}

pub(crate) async fn a_moved_window_is_read_from_the_ledger<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let person = Person { key_money: only(DAY, "10"), ..Person::new() };
    desk.spend(&person, "4", instant("2025-06-11T05:00:00Z")).await;
    desk.spend(&person, "3", instant("2025-06-11T07:00:00Z")).await;
    for (hour, from, used) in [(6, "2025-06-11T06:00:00Z", "3"), (13, "2025-06-10T13:00:00Z", "9")] {
        let limits = MoneyLimits { daily_reset_time: time(hour, 0, 0, 0), ..person.key_money.clone() };
        let person = Person { key_money: limits, ..person.clone() };
        let questions = desk.questions(&person, at(0)).await;
        assert_eq!(questions[0].wanted[0].from, Some(instant(from)));
        let ledger = ledger(&person, &[(-43_210, "2"), (-25_220, "4"), (-18_020, "3")]);
        desk.answer(&questions, &ledger, at(0)).await;
        assert_eq!(desk.taken(&person, at(1)).await.0, dollars(used), "from {from}");
    }
}

pub(crate) async fn another_zone_is_read_from_the_ledger<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for (dimension, from) in [
        (DAY, "2025-06-10T16:00:00Z"),
        ((LimitType::UsdWeekly, ResetMode::Fixed), "2025-06-08T16:00:00Z"),
        ((LimitType::UsdMonthly, ResetMode::Fixed), "2025-05-31T16:00:00Z"),
    ] {
        desk.calendar.set_zone(TimeZone::UTC);
        let person = Person { key_money: only(dimension, "10"), ..Person::new() };
        desk.spend(&person, "4", at(0)).await;
        desk.calendar.set_zone(TimeZone::get("Asia/Shanghai").unwrap());
        let questions = desk.questions(&person, at(10)).await;
        assert_eq!(questions[0].wanted[0].from, Some(instant(from)), "{dimension:?}");
        desk.answer(&questions, &ledger(&person, &[(-43_220, "3"), (0, "4")]), at(11)).await;
        assert_eq!(desk.taken(&person, at(12)).await.0, dollars("7"), "{dimension:?}");
    }
}

pub(crate) async fn an_unanswered_question_is_asked_again<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let lease = SignedDuration::try_from(RESTORE_LEASE).unwrap();
    let limits = MoneyLimits { limit_total_usd: Some(usd("10")), ..only(DAY, "10") };
    let person = Person { key_money: limits, ..Person::new() };
    let first = desk.questions(&person, at(0)).await;
    let (_, waiting) = desk.try_admit(&person, at(0) + lease - SignedDuration::from_millis(1)).await;
    assert_eq!(waiting, Known::Restoring);
    let second = desk.questions(&person, at(0) + lease).await;
    assert_eq!(second, first, "from when on the limiter counts does not change");
    // Half an answer: the other half is asked for at once.
    let ledger = ledger(&person, &[(-5, "4")]);
    let half = &ledger.answer(&second[0])[..1];
    desk.limiter.restore(&second[0], half, at(6)).await.unwrap();
    let third = desk.questions(&person, at(7)).await;
    assert_eq!(slots(&third).len(), 1);
    assert_ne!(third[0].wanted[0], half[0].wanted);
    desk.answer(&third, &ledger, at(8)).await;
    let usage = desk.usage(&person, at(9)).await;
    assert!(usage.iter().all(|window| window.used == dollars("4")), "{usage:?}");
    // An answer to another question changes nothing.
    let stranger = Restore { before: at(-100), ..first[0].clone() };
    let person = Person { key_money: person.key_money.clone(), ..Person::new() };
    let questions = desk.questions(&person, at(0)).await;
    let stranger = Restore { owner: questions[0].owner, ..stranger };
    desk.limiter.restore(&stranger, &stranger.nothing(), at(1)).await.unwrap();
    desk.answer(&desk.questions(&person, at(10)).await, &ledger, at(11)).await;
}

pub(crate) async fn providers_and_usage_ask_too<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, other, limits) = (ProviderId(80), ProviderId(81), only(DAY, "10"));
    let limits = Limits { rpm: None, money: &limits, tokens: None };
    let rooms = desk.limiter.room(&[(one, limits), (other, limits)], at(0)).await.unwrap();
    let mut ledger = Ledger::default();
    let entry = Entry::Charge { nanos: usd("10").nanos(), tokens: 0 };
    ledger.write(&[Owner::Provider(one)], at(-1), entry);
    let again = desk.limiter.room(&[(one, limits)], at(1)).await.unwrap();
    assert_eq!(again, [Known::Restoring]);
    for room in rooms {
        let Known::Restore(questions) = room else { panic!("{room:?}") };
        desk.answer(&questions, &ledger, at(2)).await;
    }
    let rooms = desk.limiter.room(&[(one, limits), (other, limits)], at(3)).await.unwrap();
    assert!(matches!(rooms.as_slice(), [Known::Yes(Some(_)), Known::Yes(None)]), "{rooms:?}");

    let person = Person { key_money: total("10"), ..Person::new() };
    let usage = desk.limiter.usage(person.key_owner(), person.key_limits(), at(0)).await.unwrap();
    let Known::Restore(questions) = usage else { panic!("{usage:?}") };
    desk.limiter.restore(&questions[0], &questions[0].nothing(), at(0)).await.unwrap();
    assert_eq!(desk.taken(&person, at(1)).await.0, dollars("0"));
}
