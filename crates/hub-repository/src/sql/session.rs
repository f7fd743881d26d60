//! What a driver must be able to do.

use std::collections::HashSet;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Result, Value};
use crate::Topic;

/// One row.
pub(crate) type Cells = Vec<Value>;
/// The parameters of a statement: `$1`, `$2`, …
pub(crate) type Params = Vec<Value>;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A single reading statement.
    Single,
    /// Several reading statements that see the same state.
    Snapshot,
    /// A transaction that writes; nothing stays of it unless it is committed.
    Write,
}

/// An insert of many rows of which some may be there already.
pub(crate) struct Insert {
    pub(crate) table: &'static str,
    /// Column names with their PostgreSQL types. The first column is the id that tells new rows.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    /// The columns of the primary key.
    pub(crate) conflict: &'static str,
}

/// A lease of a connection.
#[async_trait]
pub(crate) trait Session: Send {
    /// Runs a statement that answers rows.
    async fn query(&mut self, sql: &str, params: Params) -> Result<Vec<Cells>>;
    /// Runs a statement and answers how many rows it touched.
    async fn execute(&mut self, sql: &str, params: Params) -> Result<u64>;
    /// Runs a statement once for each set of parameters.
    async fn execute_many(&mut self, sql: &str, params: Vec<Params>) -> Result<()>;
    /// Inserts rows; answers the ids of those that were not there before.
    async fn insert_new(&mut self, insert: &'static Insert, rows: Vec<Params>) -> Result<HashSet<Uuid>>;
    /// Has other processes told of an edit, if and when it is committed.
    async fn announce(&mut self, topic: Topic, version: i64) -> Result<()>;
    /// Makes the writes last.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// A database.
#[async_trait]
pub(crate) trait Database: Send + Sync + 'static {
    /// Appended to a SELECT to keep its rows as they are until the transaction ends.
    const KEEP_ROWS: &'static str;
    /// An expression: the minute that the column `created_at` lies in.
    const MINUTE_OF_CREATION: &'static str;
    /// The same for its second.
    const SECOND_OF_CREATION: &'static str;
    /// Leases a connection.
    async fn session(&self, mode: Mode) -> Result<Box<dyn Session>>;
    /// Makes room for request records of these months (year, month).
    async fn prepare_months(&self, months: &[(i16, i8)]) -> Result<()>;
    /// Name and version, for people.
    async fn version(&self) -> Result<String>;
}
