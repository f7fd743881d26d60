//! The audit log.

use super::value::{Reader, json_text};
use super::{Result, Session, Value};
use crate::{AuditEntry, AuditRow};

const INSERT: &str = "INSERT INTO audit_log
    (created_at, actor, action, target, before, after, address, success)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(super) async fn append(session: &mut dyn Session, entry: &AuditEntry) -> Result<()> {
    let params = vec![
        entry.at.into(),
        (&entry.actor).into(),
        (&entry.action).into(),
        (&entry.target).into(),
        entry.before.as_deref().map(json_text).transpose()?.unwrap_or(Value::Null),
        entry.after.as_deref().map(json_text).transpose()?.unwrap_or(Value::Null),
        entry.address.as_ref().into(),
        entry.success.into(),
    ];
    session.execute(INSERT, params).await?;
    Ok(())
}

pub(super) async fn list(
    session: &mut dyn Session,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<AuditRow>> {
    let sql = "SELECT id, created_at, actor, action, target, before, after, address, success
        FROM audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2";
    let rows = session.query(sql, vec![before.unwrap_or(i64::MAX).into(), limit.into()]).await?;
    rows.into_iter()
        .map(|cells| {
            let mut row = Reader::new(cells);
            let id = row.int()?;
            let entry = AuditEntry {
                at: row.time()?,
                actor: row.text()?,
                action: row.text()?,
                target: row.text()?,
                before: row.opt_text()?,
                after: row.opt_text()?,
                address: row.opt_text()?,
                success: row.bool()?,
            };
            Ok(AuditRow { id, entry })
        })
        .collect()
}
