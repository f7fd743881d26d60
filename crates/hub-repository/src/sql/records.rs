//! Writing request records: the record, its ledger lines and the roll-ups, in one transaction and only once.

use std::collections::BTreeSet;

use hub_types::{LedgerLine, Money, RequestRecord};
use jiff::tz::TimeZone;

use super::engine::Engine;
use super::{Database, Insert, Mode, Params, Result, Value, limit_events, rollup};
use crate::WriteSummary;

/// More tokens than this in one attempt are a lie of the upstream; kept as they are, they would overflow sums.
const MAX_TOKENS: u64 = 1_000_000_000_000;
/// The same for money: a million dollars for one attempt, in nano-dollars.
const MAX_COST: i64 = 1_000_000_000_000_000;

static REQUESTS: Insert = Insert {
    table: "requests",
    columns: &[
        ("id", "uuid"),
        ("created_at", "timestamptz"),
        ("user_id", "bigint"),
        ("key_id", "bigint"),
        ("session_id", "text"),
        ("session_sequence", "bigint"),
        ("dialect", "text"),
        ("endpoint", "text"),
        ("stream", "boolean"),
        ("model", "text"),
        ("sent_model", "text"),
        ("provider_id", "bigint"),
        ("provider_name", "text"),
        ("outcome", "text"),
        ("status", "bigint"),
        ("error_code", "text"),
        ("input_tokens", "bigint"),
        ("output_tokens", "bigint"),
        ("reasoning_tokens", "bigint"),
        ("cache_read_tokens", "bigint"),
        ("cache_write_5m_tokens", "bigint"),
        ("cache_write_1h_tokens", "bigint"),
        ("cost_nanos", "bigint"),
        ("duration_us", "bigint"),
        ("first_content_us", "bigint"),
        ("detail", "json"),
    ],
    conflict: "created_at, id",
};

static LEDGER: Insert = Insert {
    table: "ledger",
    columns: &[
        ("attempt_id", "uuid"),
        ("request_id", "uuid"),
        ("created_at", "timestamptz"),
        ("user_id", "bigint"),
        ("key_id", "bigint"),
        ("provider_id", "bigint"),
        ("model", "text"),
        ("input_tokens", "bigint"),
        ("output_tokens", "bigint"),
        ("reasoning_tokens", "bigint"),
        ("cache_read_tokens", "bigint"),
        ("cache_write_5m_tokens", "bigint"),
        ("cache_write_1h_tokens", "bigint"),
        ("usage_source", "text"),
        ("cost_nanos", "bigint"),
        ("cost_breakdown", "json"),
        ("price_version", "bigint"),
        ("provider_multiplier_ppm", "bigint"),
        ("group_multiplier_ppm", "bigint"),
        ("status", "bigint"),
        ("duration_us", "bigint"),
    ],
    conflict: "attempt_id",
};

impl<D: Database> Engine<D> {
    pub(super) async fn write(&self, records: &[RequestRecord], texts: &[String]) -> Result<WriteSummary> {
        if records.is_empty() {
            return Ok(WriteSummary::default());
        }
        let texts = texts.iter().map(Some).chain(std::iter::repeat(None));
        let mut told: Vec<(&RequestRecord, Option<&String>)> = records.iter().zip(texts).collect();
        // In the order of ids, so that two writers of the same rows wait for each other in turn.
        told.sort_by_key(|(record, _)| record.id);
        let mut records: Vec<&RequestRecord> = told.iter().map(|(record, _)| *record).collect();
        let mut lines: Vec<LedgerLine> =
            records.iter().flat_map(|record| record.ledger_lines()).map(plausible).collect();
        lines.sort_by_key(|line| line.attempt_id);
        let months: BTreeSet<(i16, i8)> = records
            .iter()
            .map(|record| record.created_at.to_zoned(TimeZone::UTC))
            .map(|at| (at.year(), at.month()))
            .collect();
        self.database().prepare_months(&months.into_iter().collect::<Vec<_>>()).await?;

        let rows = told.into_iter().map(|(record, text)| request_row(record, text)).collect::<Result<_>>()?;
        let line_rows = lines.iter().map(ledger_row).collect::<Result<_>>()?;
        let mut session = self.session(Mode::Write).await?;
        let mut new = session.insert_new(&REQUESTS, rows).await?;
        let new_records = new.len() as u64;
        // A record that stands twice in the batch is new once.
        records.retain(|record| new.remove(&record.id.0));
        limit_events::add(session.as_mut(), &records).await?;
        let mut new_lines = session.insert_new(&LEDGER, line_rows).await?;
        let ledger_lines = new_lines.len() as u64;
        // A line that stands twice in the batch is new once.
        lines.retain(|line| new_lines.remove(&line.attempt_id.0));
        rollup::add(session.as_mut(), &lines).await?;
        session.commit().await?;
        Ok(WriteSummary { records: new_records, ledger_lines })
    }
}

fn plausible(mut line: LedgerLine) -> LedgerLine {
    let usage = &mut line.usage;
    for tokens in [
        &mut usage.input,
        &mut usage.output,
        &mut usage.reasoning,
        &mut usage.cache_read,
        &mut usage.cache_write_5m,
        &mut usage.cache_write_1h,
    ] {
        *tokens = (*tokens).min(MAX_TOKENS);
    }
    line.cost = line.cost.map(|cost| Money::from_nanos(cost.nanos().clamp(-MAX_COST, MAX_COST)));
    // Half a year: no request takes longer.
    line.duration_us = line.duration_us.min(15_768_000_000_000);
    line
}

fn request_row(record: &RequestRecord, text: Option<&String>) -> Result<Params> {
    let last = record.last_attempt();
    let usage = record.usage();
    let tokens = |count: fn(&hub_types::Usage) -> u64| Value::from(usage.as_ref().map(count));
    Ok(vec![
        record.id.0.into(),
        record.created_at.into(),
        record.user_id.map(|id| id.0).into(),
        record.key_id.map(|id| id.0).into(),
        record.session_id.as_ref().into(),
        record.session_sequence.into(),
        record.dialect.as_str().into(),
        record.endpoint.as_str().into(),
        record.stream.into(),
        record.model.as_ref().into(),
        last.and_then(|attempt| attempt.sent_model.as_ref()).into(),
        last.map(|attempt| attempt.provider_id.0).into(),
        last.map(|attempt| &attempt.provider_name).into(),
        record.outcome.as_str().into(),
        record.status.into(),
        record.error_code.as_ref().into(),
        tokens(|usage| usage.input),
        tokens(|usage| usage.output),
        tokens(|usage| usage.reasoning),
        tokens(|usage| usage.cache_read),
        tokens(|usage| usage.cache_write_5m),
        tokens(|usage| usage.cache_write_1h),
        record.cost().into(),
        record.timings.total_us.into(),
        record.timings.first_content_us.into(),
        text.map_or_else(|| Value::json(record), |text| Ok(Value::Text(text.clone())))?,
    ])
}

fn ledger_row(line: &LedgerLine) -> Result<Params> {
    Ok(vec![
        line.attempt_id.0.into(),
        line.request_id.0.into(),
        line.created_at.into(),
        line.user_id.0.into(),
        line.key_id.0.into(),
        line.provider_id.0.into(),
        (&line.model).into(),
        line.usage.input.into(),
        line.usage.output.into(),
        line.usage.reasoning.into(),
        line.usage.cache_read.into(),
        line.usage.cache_write_5m.into(),
        line.usage.cache_write_1h.into(),
        line.usage_source.as_str().into(),
        line.cost.into(),
        line.cost_breakdown.as_ref().map(Value::json).transpose()?.unwrap_or(Value::Null),
        line.price_version.into(),
        line.provider_multiplier.millionths().into(),
        line.group_multiplier.millionths().into(),
        line.status.into(),
        line.duration_us.into(),
    ])
}
