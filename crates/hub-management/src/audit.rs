//! The audit log: reading it, and the form that rows take in it.

use serde::Serialize;
use serde_json::Value;

use crate::params::ListQuery;
use crate::proxy_url::MASK;
use crate::view::{AuditView, List, ProviderView};
use crate::{Management, Principal, Result, cursor};

impl Management {
    /// What admins did, newest first.
    pub async fn list_audit(&self, principal: &Principal, query: &ListQuery) -> Result<List<AuditView>> {
        principal.require_admin()?;
        let before = query.cursor.as_deref().map(cursor::to_id).transpose()?;
        let rows = self.repository.list_audit(before, query.limit.saturating_add(1)).await?;
        Ok(List::page(rows, query.limit, |row| cursor::of_id(row.id), |row| AuditView::from(row)))
    }
}

/// A view as the audit log keeps it. Views hold no secrets.
pub(crate) fn redacted(view: &impl Serialize) -> Option<String> {
    serde_json::to_string(view).ok()
}

/// A provider as the audit log keeps it: values of custom headers are often credentials, so they are starred.
pub(crate) fn redacted_provider(view: &ProviderView) -> Option<String> {
    let mut json = serde_json::to_value(view).ok()?;
    if let Some(Value::Object(headers)) = json.get_mut("custom_headers") {
        headers.values_mut().for_each(|value| *value = Value::from(MASK));
    }
    serde_json::to_string(&json).ok()
}
