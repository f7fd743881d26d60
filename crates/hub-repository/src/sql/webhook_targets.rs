//! Webhook targets as rows, their URLs sealed. Hubs read them when there is something to send, so an edit is told
//! to nobody.

use hub_types::{WebhookTarget, WebhookTargetId};
use jiff::Timestamp;

use super::columns::Stored;
use super::engine::Engine;
use super::value::Reader;
use super::{Database, Params, Result, Value};
use crate::{AuditEntry, RepositoryError, Sealer};

const URL: &str = "webhook_targets.url";

impl Stored for WebhookTarget {
    const TABLE: &'static str = "webhook_targets";
    const COLUMNS: &'static [&'static str] =
        &["name", "kind", "url", "events", "is_enabled", "created_at", "updated_at"];

    fn write(&self, sealer: &Sealer) -> Result<Params> {
        Ok(vec![
            (&self.name).into(),
            Value::word(&self.kind)?,
            sealer.seal(URL, &self.url)?.into(),
            Value::json(&self.events)?,
            self.is_enabled.into(),
            self.created_at.into(),
            self.updated_at.into(),
        ])
    }

    fn read(id: i64, row: &mut Reader, sealer: &Sealer) -> Result<Self> {
        Ok(Self {
            id: WebhookTargetId(id),
            name: row.text()?,
            kind: row.word()?,
            url: sealer.open(URL, &row.opt_bytes()?.ok_or(RepositoryError::Unsealable)?)?,
            events: row.json()?,
            is_enabled: row.bool()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}

impl<D: Database> Engine<D> {
    pub(super) async fn add_target(
        &self,
        target: &WebhookTarget,
        audit: AuditEntry,
    ) -> Result<WebhookTarget> {
        let mut edit = self.edit().await?;
        let id = edit.insert(target).await?;
        edit.finish_quietly(audit, Some(id)).await?;
        self.find(id).await?.ok_or(RepositoryError::NotFound)
    }

    pub(super) async fn replace_target(
        &self,
        target: &WebhookTarget,
        seen: Timestamp,
        audit: AuditEntry,
    ) -> Result<()> {
        let mut edit = self.edit().await?;
        edit.update(target.id.0, target, seen).await?;
        edit.finish_quietly(audit, None).await
    }

    pub(super) async fn remove_target(
        &self,
        id: WebhookTargetId,
        at: Timestamp,
        audit: AuditEntry,
    ) -> Result<()> {
        let mut edit = self.edit().await?;
        edit.delete::<WebhookTarget>(id.0, at).await?;
        edit.finish_quietly(audit, None).await
    }
}
