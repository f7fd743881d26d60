//! Statements made from a noun's list of columns, and the columns that several nouns share.

use hub_types::MoneyLimits;
use jiff::civil::Time;

use super::value::Reader;
use super::{Cells, Params, Result, Value};
use crate::{RepositoryError, Sealer};

/// A noun with an id, soft deletion, and its columns in the order in which they are written and read.
pub(crate) trait Stored: Sized {
    const TABLE: &'static str;
    /// All columns but `id` and `deleted_at`.
    const COLUMNS: &'static [&'static str];
    fn write(&self, sealer: &Sealer) -> Result<Params>;
    fn read(id: i64, row: &mut Reader, sealer: &Sealer) -> Result<Self>;

    /// `INSERT … RETURNING id`.
    fn insert_sql() -> String {
        let places: Vec<String> = (1..=Self::COLUMNS.len()).map(|place| format!("${place}")).collect();
        let columns = Self::COLUMNS.join(", ");
        format!("INSERT INTO {} ({columns}) VALUES ({}) RETURNING id", Self::TABLE, places.join(", "))
    }

    /// `UPDATE` of a living row by id (second to last parameter) if its `updated_at` is the last parameter.
    fn update_sql() -> String {
        let sets: Vec<String> =
            Self::COLUMNS.iter().enumerate().map(|(at, column)| format!("{column} = ${}", at + 1)).collect();
        let (id, seen) = (Self::COLUMNS.len() + 1, Self::COLUMNS.len() + 2);
        format!(
            "UPDATE {} SET {} WHERE id = ${id} AND updated_at = ${seen} AND deleted_at IS NULL",
            Self::TABLE,
            sets.join(", ")
        )
    }

    /// `SELECT` of living rows with a further condition.
    fn select_sql(condition: &str) -> String {
        let columns = Self::COLUMNS.join(", ");
        format!("SELECT id, {columns} FROM {} WHERE deleted_at IS NULL AND {condition}", Self::TABLE)
    }

    fn from_cells(cells: Cells, sealer: &Sealer) -> Result<Self> {
        let mut row = Reader::new(cells);
        let id = row.int()?;
        Self::read(id, &mut row, sealer)
    }
}

/// A wall-clock time as `HH:MM:SS`.
pub(crate) fn clock_time(time: Time) -> Value {
    Value::Text(time.strftime("%H:%M:%S").to_string())
}

pub(crate) fn read_clock_time(text: &str) -> Result<Time> {
    text.parse().map_err(|_| RepositoryError::Database("a stored time of day makes no sense".to_owned()))
}

/// The columns of the money limits, in the order of the tables.
pub(crate) fn write_limits(limits: &MoneyLimits, params: &mut Params) -> Result<()> {
    params.extend([
        limits.limit_5h_usd.into(),
        Value::word(&limits.limit_5h_reset_mode)?,
        limits.limit_daily_usd.into(),
        Value::word(&limits.daily_reset_mode)?,
        clock_time(limits.daily_reset_time),
        limits.limit_weekly_usd.into(),
        limits.limit_monthly_usd.into(),
        limits.limit_total_usd.into(),
        limits.cost_reset_at.into(),
    ]);
    Ok(())
}

pub(crate) fn read_limits(row: &mut Reader) -> Result<MoneyLimits> {
    Ok(MoneyLimits {
        limit_5h_usd: row.opt_money()?,
        limit_5h_reset_mode: row.word()?,
        limit_daily_usd: row.opt_money()?,
        daily_reset_mode: row.word()?,
        daily_reset_time: read_clock_time(&row.text()?)?,
        limit_weekly_usd: row.opt_money()?,
        limit_monthly_usd: row.opt_money()?,
        limit_total_usd: row.opt_money()?,
        cost_reset_at: row.opt_time()?,
    })
}
