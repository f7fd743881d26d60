//! Usage reports out of the roll-ups.

use hub_types::{Money, Usage};

use super::engine::Engine;
use super::rollup::hour_of;
use super::value::Reader;
use super::{Cells, Database, Mode, Params, Result, Value};
use crate::{GroupBy, UsageFilter, UsageRow};

const SUMMED: [&str; 10] = [
    "requests",
    "errors",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cost_nanos",
    "unpriced",
];

impl<D: Database> Engine<D> {
    pub(super) async fn usage_rows(&self, filter: &UsageFilter) -> Result<Vec<UsageRow>> {
        let (sql, params) = statement(filter);
        let rows = self.session(Mode::Single).await?.query(&sql, params).await?;
        rows.into_iter().map(read).collect()
    }
}

fn statement(filter: &UsageFilter) -> (String, Params) {
    let mut conditions = vec!["hour >= $1".to_owned(), "hour < $2".to_owned()];
    let mut params: Params = vec![hour_of(filter.from).into(), hour_of(filter.to).into()];
    let mut and = |column: &str, value: Option<Value>| {
        if let Some(value) = value {
            params.push(value);
            conditions.push(format!("{column} = ${}", params.len()));
        }
    };
    and("user_id", filter.user_id.map(|id| id.0.into()));
    and("key_id", filter.key_id.map(|id| id.0.into()));
    and("provider_id", filter.provider_id.map(|id| id.0.into()));
    and("model", filter.model.as_ref().map(Into::into));
    let condition = conditions.join(" AND ");
    let sums =
        SUMMED.map(|column| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT) AS {column}")).join(", ");
    let (group, names) = match filter.group_by {
        GroupBy::Total => {
            return (format!("SELECT '', NULL, {sums} FROM usage_hourly WHERE {condition}"), params);
        }
        GroupBy::User => ("user_id", Some("users")),
        GroupBy::Key => ("key_id", Some("keys")),
        GroupBy::Provider => ("provider_id", Some("providers")),
        GroupBy::Model => ("model", None),
    };
    let (name, join) = match names {
        Some(table) => ("n.name", format!("LEFT JOIN {table} n ON n.id = s.grouped")),
        None => ("NULL", String::new()),
    };
    let columns = SUMMED.map(|column| format!("s.{column}")).join(", ");
    let sql = format!(
        "SELECT CAST(s.grouped AS TEXT), {name}, {columns}
         FROM (SELECT {group} AS grouped, {sums} FROM usage_hourly WHERE {condition} GROUP BY {group}) s {join}
         ORDER BY s.cost_nanos DESC, s.requests DESC, s.grouped"
    );
    (sql, params)
}

fn read(cells: Cells) -> Result<UsageRow> {
    let mut row = Reader::new(cells);
    Ok(UsageRow {
        group: row.text()?,
        name: row.opt_text()?,
        requests: row.narrow()?,
        errors: row.narrow()?,
        usage: Usage {
            input: row.narrow()?,
            output: row.narrow()?,
            reasoning: row.narrow()?,
            cache_read: row.narrow()?,
            cache_write_5m: row.narrow()?,
            cache_write_1h: row.narrow()?,
        },
        cost: Money::from_nanos(row.int()?),
        unpriced: row.narrow()?,
    })
}
