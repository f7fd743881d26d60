//! Records, ledger and roll-ups: never lost, never twice.

use hub_repository::{GroupBy, Repository, RequestFilter, UsageFilter, WriteSummary};
use hub_types::{Money, RequestRecord, Usage};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::{KEY, Place};
use crate::stock::{Facts, at, attempt, record};

pub(super) async fn a_record_comes_back_whole(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut whole = record(Facts::default());
    whole.attempts.insert(0, attempt(Facts { status: 529, provider: 2, ..Facts::default() }));
    let bare =
        RequestRecord { user_id: None, key_id: None, attempts: Vec::new(), ..record(Facts::default()) };
    let summary = repository.write_records(&[whole.clone(), bare.clone()]).await.unwrap();
    assert_eq!(summary, WriteSummary { records: 2, ledger_lines: 2 });
    assert_eq!(repository.find_request(whole.id).await.unwrap().unwrap().record, whole);
    assert_eq!(repository.find_request(bare.id).await.unwrap().unwrap().record, bare);
    assert!(repository.find_request(hub_types::RequestId::fresh()).await.unwrap().is_none());
}

pub(super) async fn writing_twice_changes_nothing(place: &dyn Place) {
    let repository = place.open(KEY).await;
    assert_eq!(repository.write_records(&[]).await.unwrap(), WriteSummary::default());
    let batch: Vec<_> = (0..20).map(|seconds| record(Facts { seconds, ..Facts::default() })).collect();
    let twice = [batch.clone(), batch.clone()].concat();
    let summary = repository.write_records(&twice).await.unwrap();
    assert_eq!(summary, WriteSummary { records: 20, ledger_lines: 20 });
    assert_eq!(repository.write_records(&batch).await.unwrap(), WriteSummary::default());
    assert_sums(place, repository.as_ref(), 20).await;
}

pub(super) async fn overlapping_batches_add_only_what_is_new(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let batch: Vec<_> = (0..30).map(|seconds| record(Facts { seconds, ..Facts::default() })).collect();
    repository.write_records(&batch[..20]).await.unwrap();
    let summary = repository.write_records(&batch[10..]).await.unwrap();
    assert_eq!(summary, WriteSummary { records: 10, ledger_lines: 10 });
    assert_sums(place, repository.as_ref(), 30).await;
}

pub(super) async fn concurrent_writers_of_the_same_records_count_them_once(place: &dyn Place) {
    let (one, other) = (place.open(KEY).await, place.open(KEY).await);
    let batch: Vec<_> = (0..60)
        .map(|number| record(Facts { seconds: number * 100, provider: number % 7, ..Facts::default() }))
        .collect();
    let mut backwards = batch.clone();
    backwards.reverse();
    for _ in 0..5 {
        let (first, second) = tokio::join!(one.write_records(&batch), other.write_records(&backwards));
        let lines = first.unwrap().ledger_lines + second.unwrap().ledger_lines;
        assert!(lines == 60 || lines == 0, "{lines}");
    }
    assert_sums(place, one.as_ref(), 60).await;
}

fn any_facts() -> impl Strategy<Value = (Facts, usize)> {
    let fields = (1..4i64, 1..4i64, 1..4i64, 0..20_000i64, prop::option::of(0..1_000_000i64));
    (fields, prop::sample::select(vec![200u16, 429, 500]), 0..3usize).prop_map(
        |((user, key, provider, seconds, nanos), status, attempts)| {
            (Facts { user, key, provider, seconds, nanos, status }, attempts)
        },
    )
}

pub(super) async fn rollups_are_always_the_sum_of_the_ledger(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut runner = TestRunner::default();
    let mut written: Vec<RequestRecord> = Vec::new();
    for _ in 0..12 {
        let batch = prop::collection::vec(any_facts(), 1..40).new_tree(&mut runner).unwrap().current();
        let mut records: Vec<_> = batch
            .into_iter()
            .map(|(facts, attempts)| {
                let mut record = record(facts);
                record.attempts = (0..attempts).map(|_| attempt(facts)).collect();
                record
            })
            .collect();
        // Some of what is there already comes again.
        records.extend(written.iter().take(5).cloned());
        repository.write_records(&records).await.unwrap();
        written.extend(records);
        let lines = place.number("SELECT COUNT(*) FROM ledger").await;
        assert_sums(place, repository.as_ref(), u64::try_from(lines).unwrap()).await;
    }
    written.sort_by_key(|record| record.id);
    written.dedup_by_key(|record| record.id);
    let costs: Money =
        written.iter().flat_map(RequestRecord::ledger_lines).filter_map(|line| line.cost).sum();
    assert_eq!(place.number("SELECT CAST(SUM(cost_nanos) AS BIGINT) FROM ledger").await, costs.nanos());
}

/// Compares the roll-ups with the ledger, column by column, and the report with both.
async fn assert_sums(place: &dyn Place, repository: &dyn Repository, lines: u64) {
    for column in [
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "cost_nanos",
    ] {
        let sum = format!("SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) FROM");
        let (ledger, rollup) = (
            place.number(&format!("{sum} ledger")).await,
            place.number(&format!("{sum} usage_hourly")).await,
        );
        assert_eq!(ledger, rollup, "{column}");
    }
    let duration = "SELECT CAST(COALESCE(SUM(duration_us), 0) AS BIGINT) FROM ledger";
    let sum = "SELECT CAST(COALESCE(SUM(duration_us_sum), 0) AS BIGINT) FROM usage_hourly";
    assert_eq!(place.number(duration).await, place.number(sum).await);
    let buckets =
        "SELECT CAST(COALESCE(SUM(d_100ms + d_250ms + d_500ms + d_1s + d_2500ms + d_5s + d_10s + d_30s
        + d_60s + d_120s + d_more), 0) AS BIGINT) FROM usage_hourly";
    assert_eq!(place.number(buckets).await, i64::try_from(lines).unwrap());
    let errors = "SELECT COUNT(*) FROM ledger WHERE status < 200 OR status > 299";
    let filter = UsageFilter {
        from: at(-1_795_000_000),
        to: at(100_000_000),
        user_id: None,
        key_id: None,
        provider_id: None,
        model: None,
        group_by: GroupBy::Total,
    };
    let total = repository.usage(&filter).await.unwrap();
    assert_eq!(total.len(), 1);
    assert_eq!(total[0].requests, lines);
    assert_eq!(i64::try_from(total[0].errors).unwrap(), place.number(errors).await);
    let unpriced = place.number("SELECT COUNT(*) FROM ledger WHERE cost_nanos IS NULL").await;
    assert_eq!(i64::try_from(total[0].unpriced).unwrap(), unpriced);
}

pub(super) async fn absurd_figures_do_not_break_the_sums(place: &dyn Place) {
    let repository = place.open(KEY).await;
    for _ in 0..3 {
        let mut absurd = record(Facts { nanos: Some(i64::MAX), ..Facts::default() });
        absurd.timings.total_us = u64::MAX;
        absurd.session_sequence = Some(u64::MAX);
        absurd.error_message = Some("a NUL \0 in it".to_owned());
        absurd.model = Some("nul\0model".to_owned());
        absurd.attempts[0].usage = Some(Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() });
        let summary = repository.write_records(std::slice::from_ref(&absurd)).await.unwrap();
        assert_eq!(summary, WriteSummary { records: 1, ledger_lines: 1 });
        assert_eq!(repository.find_request(absurd.id).await.unwrap().unwrap().record, absurd);
    }
    assert_sums(place, repository.as_ref(), 3).await;
}

pub(super) async fn records_of_many_months_are_kept(place: &dyn Place) {
    let (one, other) = (place.open(KEY).await, place.open(KEY).await);
    let month = 31 * 86_400;
    let batch: Vec<_> =
        (-9..9).map(|number| record(Facts { seconds: number * month, ..Facts::default() })).collect();
    let (first, second) = tokio::join!(one.write_records(&batch[..12]), other.write_records(&batch[6..]));
    assert_eq!(first.unwrap().records + second.unwrap().records, 18);
    let old = record(Facts { seconds: -1_700_000_000, ..Facts::default() });
    assert_eq!(one.write_records(std::slice::from_ref(&old)).await.unwrap().records, 1);
    let all = RequestFilter { limit: 100, ..RequestFilter::default() };
    assert_eq!(other.list_requests(&all).await.unwrap().len(), 19);
    assert_sums(place, one.as_ref(), 19).await;
}
