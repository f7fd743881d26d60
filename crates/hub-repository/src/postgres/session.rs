//! Sessions on a pooled connection.

use std::collections::HashSet;

use async_trait::async_trait;
use deadpool_postgres::Object;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::listen::CHANNEL;
use super::translate;
use crate::Topic;
use crate::sql::{Cells, Insert, Mode, Params, Result, Session, Value};

/// Statements that are under way at once when one runs with many sets of parameters.
const PIPELINE: usize = 100;

pub(super) struct PostgresSession {
    client: Object,
    in_transaction: bool,
}

impl PostgresSession {
    pub(super) async fn begin(client: Object, mode: Mode) -> Result<Self> {
        let begin = match mode {
            Mode::Single => None,
            Mode::Snapshot => Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            Mode::Write => Some("BEGIN"),
        };
        // Set before it is begun: should this call be abandoned, the rollback comes behind the beginning.
        let session = Self { client, in_transaction: begin.is_some() };
        if let Some(begin) = begin {
            session.client.batch_execute(begin).await.map_err(translate)?;
        }
        Ok(session)
    }
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        if self.in_transaction {
            // The first poll puts the statement into the connection's queue, ahead of whatever comes next; nobody
            // has to wait for its answer.
            let _ = self.client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}

fn slice(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

#[async_trait]
impl Session for PostgresSession {
    async fn query(&mut self, sql: &str, params: Params) -> Result<Vec<Cells>> {
        let statement = self.client.prepare_cached(sql).await.map_err(translate)?;
        let rows = self.client.query(&statement, &slice(&params)).await.map_err(translate)?;
        rows.iter().map(|row| (0..row.len()).map(|at| row.try_get(at).map_err(translate)).collect()).collect()
    }

    async fn execute(&mut self, sql: &str, params: Params) -> Result<u64> {
        let statement = self.client.prepare_cached(sql).await.map_err(translate)?;
        self.client.execute(&statement, &slice(&params)).await.map_err(translate)
    }

    async fn execute_many(&mut self, sql: &str, params: Vec<Params>) -> Result<()> {
        let statement = &self.client.prepare_cached(sql).await.map_err(translate)?;
        let client = &self.client;
        for chunk in params.chunks(PIPELINE) {
            let all = chunk.iter().map(|params| async move {
                client.execute(statement, &slice(params)).await.map_err(translate)
            });
            try_join_all(all).await?;
        }
        Ok(())
    }

    async fn insert_new(&mut self, insert: &'static Insert, rows: Vec<Params>) -> Result<HashSet<Uuid>> {
        let mut columns: Vec<Vec<Value>> = vec![Vec::with_capacity(rows.len()); insert.columns.len()];
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        let statement = self.client.prepare_cached(&insert_sql(insert)).await.map_err(translate)?;
        let params: Vec<&(dyn ToSql + Sync)> =
            columns.iter().map(|column| -> &(dyn ToSql + Sync) { column }).collect();
        let rows = self.client.query(&statement, &params).await.map_err(translate)?;
        rows.iter().map(|row| row.try_get(0).map_err(translate)).collect()
    }

    async fn announce(&mut self, topic: Topic, version: i64) -> Result<()> {
        let payload = format!("{} {version}", topic.as_str());
        self.execute("SELECT pg_notify($1, $2)", vec![CHANNEL.into(), (&payload).into()]).await?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.client.batch_execute("COMMIT").await.map_err(translate)?;
        self.in_transaction = false;
        Ok(())
    }
}

/// One statement for any number of rows: an array for each column.
fn insert_sql(insert: &Insert) -> String {
    let names: Vec<&str> = insert.columns.iter().map(|(name, _)| *name).collect();
    let arrays: Vec<String> =
        insert.columns.iter().enumerate().map(|(at, (_, kind))| format!("${}::{kind}[]", at + 1)).collect();
    let id = names.first().copied().unwrap_or_default();
    format!(
        "INSERT INTO {} ({}) SELECT * FROM UNNEST({}) ON CONFLICT ({}) DO NOTHING RETURNING {id}",
        insert.table,
        names.join(", "),
        arrays.join(", "),
        insert.conflict
    )
}
