//! What limits ask: sums of the ledger, and counts of what was refused.

use std::collections::BTreeMap;

use hub_repository::{
    Charged, ChargedTo, LedgerQuestion, LedgerSum, LimitEvent, LimitEventFilter, LimitEventMark, SumBy,
    SumWanted,
};
use hub_types::{Dialect, Endpoint, KeyId, Outcome, ProviderId, RequestId, RequestRecord, UserId};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{KEY, Place};
use crate::stock::{Facts, at, attempt, record};

const SPAN: i64 = 20_000;

fn any_record() -> impl Strategy<Value = RequestRecord> {
    let fields =
        (1..3i64, 1..4i64, 1..3i64, 0..SPAN, prop::option::of(prop_oneof![Just(0), 0..1_000_000i64]));
    let rest = (0..3usize, 0..120_000_000u64, any::<bool>(), prop::sample::select(Endpoint::ALL.to_vec()));
    (fields, rest).prop_map(|((user, key, provider, seconds, nanos), rest)| {
        let (attempts, took_us, is_refused, endpoint) = rest;
        let facts = Facts { user, key, provider, seconds, nanos, ..Facts::default() };
        let mut record = record(facts);
        record.timings.total_us = took_us;
        record.endpoint = endpoint;
        record.attempts = (0..attempts).map(|_| attempt(facts)).collect();
        if attempts == 0 && is_refused {
            record.outcome = Outcome::Refused;
        }
        record
    })
}

fn any_moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        (-100..SPAN).prop_map(at),
        // Whole hours and whole minutes, where parts meet.
        (-1..7i64).prop_map(|hour| Timestamp::from_second(1_794_999_600 + hour * 3600).unwrap()),
        (-1..330i64).prop_map(|minute| Timestamp::from_second(1_794_999_600 + minute * 60).unwrap()),
        // Finer than the database keeps.
        (0..SPAN).prop_map(|second| at(second) + SignedDuration::from_nanos(500)),
    ]
}

fn any_question() -> impl Strategy<Value = LedgerQuestion> {
    let owner = prop_oneof![
        (1..4i64).prop_map(|id| ChargedTo::User(UserId(id))),
        (1..5i64).prop_map(|id| ChargedTo::Key(KeyId(id))),
        (1..4i64).prop_map(|id| ChargedTo::Provider(ProviderId(id))),
    ];
    let charged = prop::sample::select(vec![Charged::Money, Charged::Tokens, Charged::Requests]);
    let by = prop::sample::select(vec![SumBy::All, SumBy::Minute, SumBy::Second]);
    let wanted = (charged, prop::option::of(any_moment()), by).prop_map(|(charged, from, by)| SumWanted {
        charged,
        from,
        by,
    });
    (owner, any_moment(), prop::collection::vec(wanted, 0..4))
        .prop_map(|(owner, before, wanted)| LedgerQuestion { owner, before, wanted })
}

/// When and how much, for everything that the question is about.
fn charges(records: &[RequestRecord], owner: ChargedTo, charged: Charged) -> Vec<LedgerSum> {
    let whole = |at: Timestamp| Timestamp::from_microsecond(at.as_microsecond()).unwrap();
    let lines = records.iter().flat_map(RequestRecord::ledger_lines).filter(|line| match owner {
        ChargedTo::User(id) => line.user_id == id,
        ChargedTo::Key(id) => line.key_id == id,
        ChargedTo::Provider(id) => line.provider_id == id,
    });
    match charged {
        Charged::Money => {
            let costs = lines.map(|line| (whole(line.created_at), line.cost.unwrap_or_default().nanos()));
            costs.filter(|(_, cost)| *cost > 0).collect()
        }
        Charged::Tokens => {
            lines.map(|line| (whole(line.created_at), line.usage.total().try_into().unwrap())).collect()
        }
        Charged::Requests => records
            .iter()
            .filter(|record| record.outcome != Outcome::Refused && record.endpoint.is_billable())
            .filter(|record| match owner {
                ChargedTo::User(id) => record.user_id == Some(id),
                ChargedTo::Key(id) => record.key_id == Some(id),
                ChargedTo::Provider(id) => record.last_attempt().map(|last| last.provider_id) == Some(id),
            })
            .map(|record| (whole(record.created_at), 1))
            .collect(),
    }
}

/// The answer, added up one by one.
fn expected(records: &[RequestRecord], question: &LedgerQuestion, wanted: SumWanted) -> Vec<LedgerSum> {
    let micros = |at: Timestamp| at.as_microsecond();
    let grain = match wanted.by {
        SumBy::All => i64::MAX,
        SumBy::Minute => 60_000_000,
        SumBy::Second => 1_000_000,
    };
    let mut sums: BTreeMap<i64, LedgerSum> = BTreeMap::new();
    for (at, amount) in charges(records, question.owner, wanted.charged) {
        let is_late = wanted.from.is_none_or(|from| micros(at) >= micros(from));
        if is_late && micros(at) < micros(question.before) {
            let (first, sum) = sums.entry(micros(at) / grain).or_insert((at, 0));
            (*first, *sum) = (at.min(*first), *sum + amount);
        }
    }
    sums.into_values().collect()
}

pub(super) async fn sums_of_the_ledger_are_those_of_its_lines(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut runner = TestRunner::default();
    let records = prop::collection::vec(any_record(), 250).new_tree(&mut runner).unwrap().current();
    repository.write_records(&records).await.unwrap();
    for _ in 0..300 {
        let question = any_question().new_tree(&mut runner).unwrap().current();
        let answer = repository.ledger_sums(&question).await.unwrap();
        assert_eq!(answer.len(), question.wanted.len());
        for (sums, wanted) in answer.iter().zip(&question.wanted) {
            let expected = expected(&records, &question, *wanted);
            if wanted.by != SumBy::All {
                assert_eq!(*sums, expected, "{wanted:?} of {question:?}");
                continue;
            }
            // A sum out of roll-ups knows its hour only, and some of them hold nothing.
            let total = |sums: &[LedgerSum]| sums.iter().map(|(_, sum)| sum).sum::<i64>();
            assert!(sums.len() <= 1, "{sums:?}");
            assert_eq!(total(sums), total(&expected), "{wanted:?} of {question:?}");
            assert!(sums.iter().all(|(at, _)| *at < question.before), "{sums:?} of {question:?}");
        }
    }
}

pub(super) async fn a_sum_of_all_time_needs_no_look_at_whole_hours_of_the_ledger(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let facts = |seconds| Facts { seconds, nanos: Some(1_000), ..Facts::default() };
    let records = [-90_000, 0, 7_200].map(|seconds| record(facts(seconds)));
    repository.write_records(&records).await.unwrap();
    // Whoever read these lines again would miss them now.
    place.run("DELETE FROM ledger WHERE created_at < (SELECT MAX(created_at) FROM ledger)").await;
    let all = SumWanted { charged: Charged::Money, from: None, by: SumBy::All };
    let question = LedgerQuestion { owner: ChargedTo::User(UserId(1)), before: at(7_300), wanted: vec![all] };
    let answer = repository.ledger_sums(&question).await.unwrap();
    assert_eq!(answer[0].iter().map(|(_, sum)| sum).sum::<i64>(), 3_000);
}

fn event(seconds: i64, kind: &str, user: i64, key: i64, count: u64) -> LimitEvent {
    LimitEvent { hour: at(seconds), kind: kind.to_owned(), user_id: UserId(user), key_id: KeyId(key), count }
}

fn refused(seconds: i64, code: &str, user: i64, key: i64) -> RequestRecord {
    RequestRecord {
        user_id: Some(UserId(user)),
        key_id: Some(KeyId(key)),
        error_code: Some(code.to_owned()),
        status: 429,
        ..RequestRecord::new(
            RequestId::fresh(),
            at(seconds),
            Dialect::Claude,
            Endpoint::Generate,
            Outcome::Refused,
        )
    }
}

pub(super) async fn refusals_add_up_by_hour_limit_user_and_key(place: &dyn Place) {
    let (one, other) = (place.open(KEY).await, place.open(KEY).await);
    let batch: Vec<RequestRecord> = [
        vec![refused(0, "rpm", 1, 1); 2],
        vec![refused(10, "rpm", 1, 1); 3],
        vec![refused(0, "usd_daily", 1, 2)],
        vec![refused(3600, "rpm", 2, 3); 7],
        vec![refused(0, "model_not_allowed", 1, 1)],
        vec![RequestRecord { outcome: Outcome::Failed, ..refused(0, "rpm", 1, 1) }],
    ]
    .concat()
    .into_iter()
    .map(|record| RequestRecord { id: RequestId::fresh(), ..record })
    .collect();
    // What is written twice counts once.
    let twice = [batch.clone(), batch.clone()].concat();
    let (first, second) = tokio::join!(one.write_records(&twice), other.write_records(&batch));
    first.and(second).unwrap();
    let everything = LimitEventFilter {
        from: at(-3600),
        to: at(7200),
        kind: None,
        user_id: None,
        key_id: None,
        limit: 10,
        beyond: None,
    };
    let hour = |seconds: i64| Timestamp::from_second((at(seconds).as_second()) / 3600 * 3600).unwrap();
    let row = |seconds, kind, user, key, count| LimitEvent {
        hour: hour(seconds),
        ..event(seconds, kind, user, key, count)
    };
    let (late, rpm, daily) =
        (row(3600, "rpm", 2, 3, 7), row(0, "rpm", 1, 1, 5), row(0, "usd_daily", 1, 2, 1));
    let cases = [
        ("all", everything.clone(), vec![late.clone(), rpm.clone(), daily.clone()]),
        ("limit", LimitEventFilter { limit: 1, ..everything.clone() }, vec![late.clone()]),
        ("from", LimitEventFilter { from: at(3600), ..everything.clone() }, vec![late.clone()]),
        ("to", LimitEventFilter { to: at(3600), ..everything.clone() }, vec![rpm.clone(), daily.clone()]),
        (
            "kind",
            LimitEventFilter { kind: Some("rpm".to_owned()), ..everything.clone() },
            vec![late.clone(), rpm.clone()],
        ),
        ("user", LimitEventFilter { user_id: Some(UserId(2)), ..everything.clone() }, vec![late]),
        ("key", LimitEventFilter { key_id: Some(KeyId(2)), ..everything }, vec![daily]),
    ];
    let everything = cases[0].1.clone();
    for (name, filter, expected) in cases {
        assert_eq!(other.limit_events(&filter).await.unwrap(), expected, "{name}");
    }
    // Row by row.
    let all = other.limit_events(&LimitEventFilter { limit: 100, ..everything.clone() }).await.unwrap();
    let (mut paged, mut beyond): (Vec<LimitEvent>, _) = (Vec::new(), None);
    loop {
        let page = LimitEventFilter { limit: 1, beyond: beyond.take(), ..everything.clone() };
        let Some(row) = other.limit_events(&page).await.unwrap().pop() else { break };
        let (hour, kind, user_id, key_id) = (row.hour, row.kind.clone(), row.user_id, row.key_id);
        beyond = Some(LimitEventMark { hour, kind, user_id, key_id });
        paged.push(row);
    }
    assert_eq!((paged.len(), paged), (3, all));
}
