//! The hourly roll-ups: ledger lines added up by hour, user, key, provider and model.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hub_types::{LedgerLine, Money, Usage, UsageSource};
use jiff::Timestamp;

use super::{Params, Result, Session};

const HOUR: i64 = 3600;
/// Upper bounds of the duration buckets in microseconds; what is longer falls into the last bucket.
const BUCKETS: [u64; 10] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
];
const KEY: [&str; 5] = ["hour", "user_id", "key_id", "provider_id", "model"];
const SUMS: [&str; 23] = [
    "requests",
    "errors",
    "unpriced",
    "estimated",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cost_nanos",
    "duration_us_sum",
    "d_100ms",
    "d_250ms",
    "d_500ms",
    "d_1s",
    "d_2500ms",
    "d_5s",
    "d_10s",
    "d_30s",
    "d_60s",
    "d_120s",
    "d_more",
];

/// The beginning of the hour.
pub(super) fn hour_of(at: Timestamp) -> Timestamp {
    // Not `as_second`: it rounds towards 1970, and an hour before that would be a late one.
    let second = at.as_microsecond().div_euclid(1_000_000);
    Timestamp::from_second(second - second.rem_euclid(HOUR)).unwrap_or(at)
}

#[derive(Default)]
struct Sums {
    requests: u64,
    errors: u64,
    unpriced: u64,
    estimated: u64,
    usage: Usage,
    cost: Money,
    duration_us: u64,
    buckets: [u64; 11],
}

impl Sums {
    fn add(&mut self, line: &LedgerLine) {
        self.requests += 1;
        self.errors += u64::from(!(200..300).contains(&line.status));
        self.unpriced += u64::from(line.cost.is_none());
        self.estimated += u64::from(line.usage_source == UsageSource::Estimated);
        self.usage += line.usage;
        self.cost += line.cost.unwrap_or_default();
        self.duration_us = self.duration_us.saturating_add(line.duration_us);
        let bucket = BUCKETS.partition_point(|bound| *bound < line.duration_us);
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
    }
}

/// Adds new ledger lines to the roll-ups.
pub(super) async fn add(session: &mut dyn Session, lines: &[LedgerLine]) -> Result<()> {
    // Ordered, so that two writers touch the rows in the same order.
    let mut sums: BTreeMap<_, Sums> = BTreeMap::new();
    for line in lines {
        let key =
            (hour_of(line.created_at), line.user_id, line.key_id, line.provider_id, line.model.as_str());
        sums.entry(key).or_default().add(line);
    }
    if sums.is_empty() {
        return Ok(());
    }
    let params = sums
        .into_iter()
        .map(|((hour, user, key, provider, model), sums)| {
            let mut params: Params =
                vec![hour.into(), user.0.into(), key.0.into(), provider.0.into(), model.into()];
            let usage = sums.usage;
            params.extend(
                [
                    sums.requests,
                    sums.errors,
                    sums.unpriced,
                    sums.estimated,
                    usage.input,
                    usage.output,
                    usage.reasoning,
                    usage.cache_read,
                    usage.cache_write_5m,
                    usage.cache_write_1h,
                ]
                .map(Into::into),
            );
            params.push(sums.cost.into());
            params.push(sums.duration_us.into());
            params.extend(sums.buckets.map(Into::into));
            params
        })
        .collect();
    session.execute_many(&UPSERT, params).await
}

static UPSERT: LazyLock<String> = LazyLock::new(|| {
    let columns: Vec<&str> = KEY.into_iter().chain(SUMS).collect();
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
    let sums = SUMS.map(|column| format!("{column} = usage_hourly.{column} + excluded.{column}"));
    format!(
        "INSERT INTO usage_hourly ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}",
        columns.join(", "),
        places.join(", "),
        KEY.join(", "),
        sums.join(", ")
    )
});
