//! Sessions on a leased connection.

use std::collections::HashSet;

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql, params_from_iter};
use uuid::Uuid;

use super::translate;
use super::worker::Lease;
use crate::sql::{Cells, Insert, Mode, Params, Result, Session, Value};
use crate::{RepositoryError, Topic};

pub(super) struct SqliteSession {
    lease: Lease,
    in_transaction: bool,
}

impl SqliteSession {
    pub(super) async fn begin(lease: Lease, mode: Mode) -> Result<Self> {
        let begin = match mode {
            Mode::Single => None,
            Mode::Snapshot => Some("BEGIN"),
            Mode::Write => Some("BEGIN IMMEDIATE"),
        };
        // Set before it is begun: should this call be abandoned, the rollback comes behind the beginning.
        let session = Self { lease, in_transaction: begin.is_some() };
        if let Some(begin) = begin {
            session
                .lease
                .worker()?
                .run(move |connection| connection.execute_batch(begin).map_err(translate))
                .await?;
        }
        Ok(session)
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        if let (true, Ok(worker)) = (self.in_transaction, self.lease.worker()) {
            worker.roll_back();
        }
    }
}

/// Parameters are written `$1` in shared statements; SQLite numbers them as `?1`.
fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    connection.prepare_cached(&sql.replace('$', "?")).map_err(translate)
}

#[async_trait]
impl Session for SqliteSession {
    async fn query(&mut self, sql: &str, params: Params) -> Result<Vec<Cells>> {
        let sql = sql.to_owned();
        self.lease.worker()?.run(move |connection| query(connection, &sql, &params)).await
    }

    async fn execute(&mut self, sql: &str, params: Params) -> Result<u64> {
        let sql = sql.to_owned();
        self.lease
            .worker()?
            .run(move |connection| {
                let touched =
                    prepare(connection, &sql)?.execute(params_from_iter(params)).map_err(translate)?;
                Ok(touched as u64)
            })
            .await
    }

    async fn execute_many(&mut self, sql: &str, params: Vec<Params>) -> Result<()> {
        let sql = sql.to_owned();
        self.lease
            .worker()?
            .run(move |connection| {
                let mut statement = prepare(connection, &sql)?;
                for params in params {
                    statement.execute(params_from_iter(params)).map_err(translate)?;
                }
                Ok(())
            })
            .await
    }

    async fn insert_new(&mut self, insert: &'static Insert, rows: Vec<Params>) -> Result<HashSet<Uuid>> {
        self.lease
            .worker()?
            .run(move |connection| {
                let columns: Vec<&str> = insert.columns.iter().map(|(name, _)| *name).collect();
                let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
                let sql = format!(
                    "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO NOTHING",
                    insert.table,
                    columns.join(", "),
                    places.join(", "),
                    insert.conflict
                );
                let mut statement = prepare(connection, &sql)?;
                let mut new = HashSet::new();
                for row in rows {
                    let id = row.first().cloned();
                    let inserted = statement.execute(params_from_iter(row)).map_err(translate)?;
                    if let (1, Some(Value::Uuid(id))) = (inserted, id) {
                        new.insert(id);
                    }
                }
                Ok(new)
            })
            .await
    }

    async fn announce(&mut self, _: Topic, _: i64) -> Result<()> {
        // Other processes watch the file.
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.lease.worker()?.run(|connection| connection.execute_batch("COMMIT").map_err(translate)).await?;
        self.in_transaction = false;
        Ok(())
    }
}

/// Runs a query on a connection.
pub(super) fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Cells>> {
    let mut statement = prepare(connection, sql)?;
    let width = statement.column_count();
    let mut rows = statement.query(params_from_iter(params)).map_err(translate)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(translate)? {
        let cells =
            (0..width).map(|at| row.get_ref(at).map_err(translate).and_then(read)).collect::<Result<_>>()?;
        all.push(cells);
    }
    Ok(all)
}

fn read(cell: ValueRef<'_>) -> Result<Value> {
    let senseless = || RepositoryError::Database("a stored value is of an unknown kind".to_owned());
    match cell {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(text) => {
            std::str::from_utf8(text).map(|text| Value::Text(text.to_owned())).map_err(|_| senseless())
        }
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(senseless()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let cell = match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Bool(value) => ValueRef::Integer((*value).into()),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Time(at) => ValueRef::Integer(at.as_microsecond()),
            Self::Uuid(id) => ValueRef::Blob(id.as_bytes()),
        };
        Ok(ToSqlOutput::Borrowed(cell))
    }
}
