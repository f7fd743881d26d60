//! Webhook targets: list, show, create, edit, delete, and a message to try one.

use async_trait::async_trait;
use hub_routing::check_provider_url;
use hub_types::{Secret, WebhookTarget, WebhookTargetId};

use crate::audit::redacted;
use crate::management::{page, retry_on_conflict};
use crate::params::ListQuery;
use crate::validate::Faults;
use crate::view::{List, WebhookTargetFields, WebhookTargetView, WebhookTestView};
use crate::{Management, ManagementError, Patch, Principal, Result, cursor, draft};

/// What can send messages to webhook targets.
#[async_trait]
pub trait WebhookSender: Send + Sync + 'static {
    /// Sends a message that says that it is a test, once.
    async fn try_out(&self, target: &WebhookTarget) -> WebhookTestView;
}

impl Management {
    /// Living targets.
    pub async fn list_webhook_targets(
        &self,
        principal: &Principal,
        query: &ListQuery,
    ) -> Result<List<WebhookTargetView>> {
        principal.require_admin()?;
        let rows = self.repository.list_webhook_targets(page(query)?).await?;
        Ok(List::page(
            rows,
            query.limit,
            |target| cursor::of_id(target.id.0),
            |target| WebhookTargetView::from(target),
        ))
    }

    /// One target.
    pub async fn show_webhook_target(
        &self,
        principal: &Principal,
        id: WebhookTargetId,
    ) -> Result<WebhookTargetView> {
        principal.require_admin()?;
        Ok(WebhookTargetView::from(&self.living_target(id).await?))
    }

    /// Adds a target.
    pub async fn create_webhook_target(
        &self,
        principal: &Principal,
        input: &Patch,
    ) -> Result<WebhookTargetView> {
        principal.require_admin()?;
        let fields: WebhookTargetFields = draft::create(input)?;
        let now = self.now();
        let mut target = WebhookTarget {
            id: WebhookTargetId(0),
            name: String::new(),
            kind: fields.kind,
            url: Secret::new(""),
            events: Vec::new(),
            is_enabled: true,
            created_at: now,
            updated_at: now,
        };
        self.apply_target(fields, &mut target)?;
        let mut entry = self.audit(principal, "webhook_target.create", "webhook_target:".to_owned());
        entry.after = redacted(&WebhookTargetView::from(&target));
        let target = self.repository.insert_webhook_target(&target, entry).await?;
        Ok(WebhookTargetView::from(&target))
    }

    /// Edits a target by a merge patch.
    pub async fn update_webhook_target(
        &self,
        principal: &Principal,
        id: WebhookTargetId,
        input: &Patch,
    ) -> Result<WebhookTargetView> {
        principal.require_admin()?;
        retry_on_conflict(|| async {
            let before = self.living_target(id).await?;
            let mut after = before.clone();
            self.apply_target(draft::patch(&WebhookTargetFields::from(&before), input)?, &mut after)?;
            after.updated_at = self.later_than(before.updated_at);
            let mut entry = self.audit(principal, "webhook_target.update", format!("webhook_target:{id}"));
            entry.before = redacted(&WebhookTargetView::from(&before));
            entry.after = redacted(&WebhookTargetView::from(&after));
            self.repository.update_webhook_target(&after, before.updated_at, entry).await?;
            Ok(WebhookTargetView::from(&after))
        })
        .await
    }

    /// Deletes a target.
    pub async fn delete_webhook_target(&self, principal: &Principal, id: WebhookTargetId) -> Result<()> {
        principal.require_admin()?;
        let before = self.living_target(id).await?;
        let mut entry = self.audit(principal, "webhook_target.delete", format!("webhook_target:{id}"));
        entry.before = redacted(&WebhookTargetView::from(&before));
        Ok(self.repository.delete_webhook_target(id, self.now(), entry).await?)
    }

    /// Sends a message that says that it is a test.
    pub async fn test_webhook_target(
        &self,
        principal: &Principal,
        id: WebhookTargetId,
    ) -> Result<WebhookTestView> {
        principal.require_admin()?;
        let target = self.living_target(id).await?;
        let sender = self.webhook_sender.as_ref().ok_or(ManagementError::NoWebhooks)?;
        Ok(sender.try_out(&target).await)
    }

    async fn living_target(&self, id: WebhookTargetId) -> Result<WebhookTarget> {
        self.repository.find_webhook_target(id).await?.ok_or(ManagementError::NotFound)
    }

    /// Checks the columns and writes them into the row, the URL included.
    fn apply_target(&self, fields: WebhookTargetFields, target: &mut WebhookTarget) -> Result<()> {
        let shown = WebhookTargetFields::from(&*target);
        let mut faults = Faults::default();
        faults.name("name", &fields.name);
        let url = match &fields.url {
            Some(text) if !text.is_mask() => text.secret().clone(),
            // The masked form comes back from whoever edits what was read: it stands for no change.
            Some(mask) if shown.url.is_some_and(|shown| shown.mask() == mask.mask()) => target.url.clone(),
            _ => return Err(ManagementError::invalid("url", "is not a URL")),
        };
        if let Err(refused) = check_provider_url(url.expose(), self.settings.allow_private_upstreams) {
            faults.add("url", refused.to_string());
        }
        faults.check(fields.events.len() <= 16, "events", "names an event more than once");
        faults.into_result()?;
        fields.write_to(target, url);
        Ok(())
    }
}
