//! What was charged to somebody: the sums that limits rebuild their counters from.
//!
//! One statement answers a whole question, so that all sums see the same state. Money and tokens of a long time
//! are read from the hourly roll-ups, and from the ledger only for the broken hours at both ends.

use std::marker::PhantomData;

use jiff::{SignedDuration, Timestamp};

use super::engine::Engine;
use super::rollup::hour_of;
use super::value::{Reader, micros};
use super::{Cells, Database, Mode, Params, Result, Value};
use crate::{Charged, ChargedTo, LedgerQuestion, LedgerSum, SumBy, SumWanted};

const TOKENS: &str = "input_tokens + output_tokens + cache_read_tokens + cache_write_5m_tokens
    + cache_write_1h_tokens";

impl<D: Database> Engine<D> {
    pub(super) async fn sums(&self, question: &LedgerQuestion) -> Result<Vec<Vec<LedgerSum>>> {
        let mut answer = vec![Vec::new(); question.wanted.len()];
        let mut statement = Statement::<D>::about(question.owner);
        for (part, wanted) in question.wanted.iter().enumerate() {
            statement.add(part, *wanted, question.before);
        }
        if statement.selects.is_empty() {
            return Ok(answer);
        }
        let (sql, params) = statement.finish();
        let rows = self.session(Mode::Single).await?.query(&sql, params).await?;
        for row in rows {
            let Some((part, at, amount)) = read(row)? else { continue };
            let is_one = question.wanted.get(part).is_some_and(|wanted| wanted.by == SumBy::All);
            let Some(sums) = answer.get_mut(part) else { continue };
            match sums.first_mut().filter(|_| is_one) {
                Some((first, sum)) => (*first, *sum) = (at.min(*first), amount.saturating_add(*sum)),
                None => sums.push((at, amount)),
            }
        }
        for sums in &mut answer {
            sums.sort_unstable();
        }
        Ok(answer)
    }
}

/// `None` = no charge was there.
fn read(cells: Cells) -> Result<Option<(usize, Timestamp, i64)>> {
    let mut row = Reader::new(cells);
    let (part, at, amount) = (row.narrow()?, row.opt_time()?, row.opt_int()?);
    Ok(at.zip(amount).map(|(at, amount)| (part, at, amount)))
}

struct Statement<D> {
    owner: &'static str,
    params: Params,
    selects: Vec<String>,
    dialect: PhantomData<D>,
}

impl<D: Database> Statement<D> {
    fn about(owner: ChargedTo) -> Self {
        let (owner, id) = match owner {
            ChargedTo::User(id) => ("user_id", id.0),
            ChargedTo::Key(id) => ("key_id", id.0),
            ChargedTo::Provider(id) => ("provider_id", id.0),
        };
        Self { owner, params: vec![id.into()], selects: Vec::new(), dialect: PhantomData }
    }

    fn add(&mut self, part: usize, wanted: SumWanted, before: Timestamp) {
        let (from, before) = (wanted.from.map(micros), micros(before));
        if from.is_some_and(|from| from >= before) {
            return;
        }
        match (wanted.charged, wanted.by) {
            (Charged::Requests, _) => self.select(part, wanted, "requests", from, before),
            (_, SumBy::Minute | SumBy::Second) => self.select(part, wanted, "ledger", from, before),
            (_, SumBy::All) => {
                // Whole hours from `first` to `last`, and what is before and behind them. The same three parts
                // whatever the bounds are: drivers keep every statement prepared that they have met.
                let (first, last) = (from.map(next_hour), hour_of(before));
                if let Some(first) = first {
                    self.select(part, wanted, "ledger", from, first.min(before));
                }
                self.select(part, wanted, "usage_hourly", first, last);
                let rest = first.map_or(last, |first| first.max(last));
                self.select(part, wanted, "ledger", Some(rest), before);
            }
        }
    }

    fn select(
        &mut self,
        part: usize,
        wanted: SumWanted,
        table: &str,
        from: Option<Timestamp>,
        before: Timestamp,
    ) {
        let time = if table == "usage_hourly" { "hour" } else { "created_at" };
        let owner = self.owner;
        let until = self.param(before);
        let since = from.map(|from| format!("AND {time} >= {}", self.param(from))).unwrap_or_default();
        let (amount, kind) = match wanted.charged {
            // What cost nothing, or nobody knows what, is no charge: it begins no window.
            Charged::Money if table == "ledger" => ("SUM(cost_nanos)".to_owned(), "AND cost_nanos > 0"),
            Charged::Money => ("SUM(cost_nanos)".to_owned(), ""),
            Charged::Tokens => (format!("SUM({TOKENS})"), ""),
            // Those that are admitted: counting tokens is not.
            Charged::Requests => {
                ("COUNT(*)".to_owned(), "AND outcome <> 'refused' AND endpoint <> 'count_tokens'")
            }
        };
        let group = match wanted.by {
            SumBy::All => String::new(),
            SumBy::Minute => format!("GROUP BY {}", D::MINUTE_OF_CREATION),
            SumBy::Second => format!("GROUP BY {}", D::SECOND_OF_CREATION),
        };
        // Cast: a literal number and a sum have other types in PostgreSQL.
        self.selects.push(format!(
            "SELECT CAST({part} AS BIGINT), MIN({time}), CAST({amount} AS BIGINT) FROM {table}
             WHERE {owner} = $1 AND {time} < {until} {since} {kind} {group}"
        ));
    }

    fn param(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("${}", self.params.len())
    }

    fn finish(self) -> (String, Params) {
        (self.selects.join(" UNION ALL "), self.params)
    }
}

/// The first whole hour that does not begin before this moment.
fn next_hour(at: Timestamp) -> Timestamp {
    let hour = hour_of(at);
    if hour == at { hour } else { hour.checked_add(SignedDuration::from_hours(1)).unwrap_or(hour) }
}
