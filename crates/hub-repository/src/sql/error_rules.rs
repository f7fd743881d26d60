//! Error rules as rows. Hubs hold them in their catalogue, so an edit is told like one of a provider.

use hub_types::{ErrorRule, ErrorRuleId, ProviderId};
use jiff::Timestamp;

use super::columns::Stored;
use super::engine::Engine;
use super::value::Reader;
use super::{Database, Params, Result, Value};
use crate::{AuditEntry, RepositoryError, Sealer, Topic};

impl Stored for ErrorRule {
    const TABLE: &'static str = "error_rules";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "description",
        "is_enabled",
        "priority",
        "provider_types",
        "provider_id",
        "status",
        "error_type",
        "pattern",
        "pattern_match",
        "class",
        "replacement_status",
        "replacement_message",
        "created_at",
        "updated_at",
    ];

    fn write(&self, _: &Sealer) -> Result<Params> {
        Ok(vec![
            (&self.name).into(),
            (&self.description).into(),
            self.is_enabled.into(),
            self.priority.into(),
            Value::json(&self.provider_types)?,
            self.provider_id.map(|id| id.0).into(),
            self.status.as_ref().map(Value::word).transpose()?.into(),
            self.error_type.as_ref().into(),
            self.pattern.as_ref().into(),
            Value::word(&self.pattern_match)?,
            Value::word(&self.class)?,
            self.replacement_status.into(),
            self.replacement_message.as_ref().into(),
            self.created_at.into(),
            self.updated_at.into(),
        ])
    }

    fn read(id: i64, row: &mut Reader, _: &Sealer) -> Result<Self> {
        Ok(Self {
            id: ErrorRuleId(id),
            name: row.text()?,
            description: row.text()?,
            is_enabled: row.bool()?,
            priority: row.narrow()?,
            provider_types: row.json()?,
            provider_id: row.opt_int()?.map(ProviderId),
            status: row.opt_word()?,
            error_type: row.opt_text()?,
            pattern: row.opt_text()?,
            pattern_match: row.word()?,
            class: row.word()?,
            replacement_status: row.opt_narrow()?,
            replacement_message: row.opt_text()?,
            created_at: row.time()?,
            updated_at: row.time()?,
        })
    }
}

impl<D: Database> Engine<D> {
    pub(super) async fn add_rule(&self, rule: &ErrorRule, audit: AuditEntry) -> Result<ErrorRule> {
        let mut edit = self.edit().await?;
        let id = edit.insert(rule).await?;
        edit.finish(Topic::Catalogue, audit, Some(id)).await?;
        self.find(id).await?.ok_or(RepositoryError::NotFound)
    }

    pub(super) async fn replace_rule(
        &self,
        rule: &ErrorRule,
        seen: Timestamp,
        audit: AuditEntry,
    ) -> Result<()> {
        let mut edit = self.edit().await?;
        edit.update(rule.id.0, rule, seen).await?;
        edit.finish(Topic::Catalogue, audit, None).await
    }

    pub(super) async fn remove_rule(&self, id: ErrorRuleId, at: Timestamp, audit: AuditEntry) -> Result<()> {
        let mut edit = self.edit().await?;
        edit.delete::<ErrorRule>(id.0, at).await?;
        edit.finish(Topic::Catalogue, audit, None).await
    }
}
