//! The repository over a database: deadlines, and the frame of an edit (rows, audit entry, notice: all or none).

use std::sync::Arc;
use std::time::Duration;

use hub_types::ProviderId;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::columns::Stored;
use super::session::{Database, Mode, Session};
use super::value::Reader;
use super::{Notices, Result, Value};
use crate::{AuditEntry, RepositoryError, Sealer, Topic};

/// A [`crate::Repository`] over a database. Made by the drivers; close it, so that its tasks end.
pub struct Engine<D> {
    pub(super) parts: Parts<D>,
}

/// What an engine is made of.
pub(crate) struct Parts<D> {
    pub(crate) database: D,
    pub(crate) sealer: Sealer,
    pub(crate) notices: Arc<Notices>,
    /// Every call ends within this time.
    pub(crate) deadline: Duration,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl<D> Engine<D> {
    pub(crate) fn new(parts: Parts<D>) -> Self {
        Self { parts }
    }

    pub(crate) fn database(&self) -> &D {
        &self.parts.database
    }

    /// Ends the tasks behind the repository and waits for them.
    pub(crate) async fn stop_tasks(&self) {
        self.parts.stop.cancel();
        self.parts.tasks.close();
        self.parts.tasks.wait().await;
    }

    pub(super) fn sealer(&self) -> &Sealer {
        &self.parts.sealer
    }

    pub(super) async fn within<T>(&self, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let deadline = self.parts.deadline;
        timeout(deadline, work).await.unwrap_or_else(|_| {
            Err(RepositoryError::Unavailable(format!("no answer within {} ms", deadline.as_millis())))
        })
    }
}

impl<D> Drop for Engine<D> {
    fn drop(&mut self) {
        self.parts.stop.cancel();
    }
}

/// A transaction that edits something which running hubs hold in memory.
pub(super) struct Edit<'e> {
    pub(super) session: Box<dyn Session>,
    pub(super) sealer: &'e Sealer,
    notices: &'e Notices,
    /// The provider whose history gets a new entry when the edit is finished.
    pub(super) reshaped: Option<ProviderId>,
}

impl<D: Database> Engine<D> {
    pub(super) async fn session(&self, mode: Mode) -> Result<Box<dyn Session>> {
        self.parts.database.session(mode).await
    }

    pub(super) async fn edit(&self) -> Result<Edit<'_>> {
        Ok(Edit {
            session: self.session(Mode::Write).await?,
            sealer: &self.parts.sealer,
            notices: &self.parts.notices,
            reshaped: None,
        })
    }

    /// Reads living nouns by a condition.
    pub(super) async fn select<T: Stored>(&self, condition: &str, params: Vec<Value>) -> Result<Vec<T>> {
        let mut session = self.session(Mode::Single).await?;
        let rows = session.query(&T::select_sql(condition), params).await?;
        rows.into_iter().map(|cells| T::from_cells(cells, self.sealer())).collect()
    }

    pub(super) async fn find<T: Stored>(&self, id: i64) -> Result<Option<T>> {
        Ok(self.select("id = $1", vec![id.into()]).await?.pop())
    }
}

impl Edit<'_> {
    /// Inserts a noun and answers its id.
    pub(super) async fn insert<T: Stored>(&mut self, noun: &T) -> Result<i64> {
        let params = noun.write(self.sealer)?;
        let rows = self.session.query(&T::insert_sql(), params).await?;
        match rows.into_iter().next() {
            Some(cells) => Reader::new(cells).int(),
            None => Err(RepositoryError::Database("an insert answered no id".to_owned())),
        }
    }

    /// Replaces a noun's columns if nobody else did since it was read.
    pub(super) async fn update<T: Stored>(&mut self, id: i64, noun: &T, seen: jiff::Timestamp) -> Result<()> {
        let mut params = noun.write(self.sealer)?;
        params.extend([id.into(), seen.into()]);
        if self.session.execute(&T::update_sql(), params).await? == 1 {
            return Ok(());
        }
        let living = format!("SELECT id FROM {} WHERE id = $1 AND deleted_at IS NULL", T::TABLE);
        let rows = self.session.query(&living, vec![id.into()]).await?;
        Err(if rows.is_empty() { RepositoryError::NotFound } else { RepositoryError::Conflict })
    }

    /// Marks a noun as deleted.
    pub(super) async fn delete<T: Stored>(&mut self, id: i64, at: jiff::Timestamp) -> Result<()> {
        let sql = format!(
            "UPDATE {} SET deleted_at = $1, updated_at = $1 WHERE id = $2 AND deleted_at IS NULL",
            T::TABLE
        );
        match self.session.execute(&sql, vec![at.into(), id.into()]).await? {
            0 => Err(RepositoryError::NotFound),
            _ => Ok(()),
        }
    }

    /// Writes the audit entry and commits an edit of what no running hub holds in memory.
    pub(super) async fn finish_quietly(mut self, audit: AuditEntry, id: Option<i64>) -> Result<()> {
        self.write_audit(audit, id).await?;
        self.session.commit().await
    }

    async fn write_audit(&mut self, mut audit: AuditEntry, id: Option<i64>) -> Result<()> {
        if let (true, Some(id)) = (audit.target.ends_with(':'), id) {
            audit.target.push_str(&id.to_string());
        }
        super::audit::append(self.session.as_mut(), &audit).await
    }

    /// Writes the audit entry, raises the topic's version and commits; then everybody is told.
    pub(super) async fn finish(mut self, topic: Topic, audit: AuditEntry, id: Option<i64>) -> Result<()> {
        self.write_audit(audit, id).await?;
        let raise = "UPDATE change_versions SET version = version + 1 WHERE topic = $1 RETURNING version";
        let rows = self.session.query(raise, vec![topic.as_str().into()]).await?;
        let version = match rows.into_iter().next() {
            Some(cells) => Reader::new(cells).int()?,
            None => {
                return Err(RepositoryError::Database("the table change_versions is incomplete".to_owned()));
            }
        };
        if let Some(id) = self.reshaped {
            self.note_shape(id, version).await?;
        }
        self.session.announce(topic, version).await?;
        self.session.commit().await?;
        self.notices.tell(topic, version);
        Ok(())
    }
}
