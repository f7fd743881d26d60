//! Limits: how much of each is taken, and starting over.

use hub_rate_limit::{Known, Limits, Owner};
use hub_types::{KeyId, ProviderId, UserId};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use crate::audit::{redacted, redacted_provider};
use crate::management::retry_on_conflict;
use crate::view::{KeyView, LimitsView, ProviderView, UserView, WindowView};
use crate::{Management, ManagementError, Principal, Result};

impl Management {
    /// How much of a user's limits is taken.
    pub async fn user_limits(&self, principal: &Principal, id: UserId) -> Result<LimitsView> {
        principal.require_sight_of(id)?;
        let user = self.living_user(id).await?;
        self.limits_of(Owner::User(id), Limits::from(&user)).await
    }

    /// How much of a key's own limits is taken. Those of its user apply as well.
    pub async fn key_limits(&self, principal: &Principal, id: KeyId) -> Result<LimitsView> {
        let key = self.living_key(id).await?;
        principal.require_sight_of(key.user_id)?;
        self.limits_of(Owner::Key(key.user_id, id), Limits::from(&key)).await
    }

    /// Lets a user's windows of money begin anew. Those of the user's keys go on.
    pub async fn reset_user_limits(&self, principal: &Principal, id: UserId) -> Result<UserView> {
        principal.require_admin()?;
        let (view, at) = retry_on_conflict(|| async {
            let before = self.living_user(id).await?;
            let mut after = before.clone();
            let at = self.moment_of_reset();
            after.limits.cost_reset_at = Some(at);
            after.updated_at = self.later_than(before.updated_at);
            let mut entry = self.audit(principal, "user.limits_reset", format!("user:{id}"));
            entry.before = redacted(&UserView::from(&before));
            entry.after = redacted(&UserView::from(&after));
            self.repository.update_user(&after, before.updated_at, entry).await?;
            Ok((UserView::from(&after), at))
        })
        .await?;
        self.tell_of_reset(Owner::User(id), at).await;
        Ok(view)
    }

    /// Lets a key's windows of money and tokens begin anew. Those of its user go on.
    pub async fn reset_key_limits(&self, principal: &Principal, id: KeyId) -> Result<KeyView> {
        principal.require_admin()?;
        let at = self.moment_of_reset();
        let view = self
            .edit_key(principal, id, "key.limits_reset", |key| {
                key.limits.cost_reset_at = Some(at);
                Ok(())
            })
            .await?;
        self.tell_of_reset(Owner::Key(view.user_id, id), at).await;
        Ok(view)
    }

    /// How much of a provider's limits is taken.
    pub async fn provider_limits(&self, principal: &Principal, id: ProviderId) -> Result<LimitsView> {
        principal.require_admin()?;
        let provider = self.living_provider(id).await?;
        self.limits_of(Owner::Provider(id), Limits::from(&provider)).await
    }

    /// Lets a provider's windows of money begin anew. Sessions stay bound to it.
    pub async fn reset_provider_limits(&self, principal: &Principal, id: ProviderId) -> Result<ProviderView> {
        principal.require_admin()?;
        let (view, at) = retry_on_conflict(|| async {
            let before = self.living_provider(id).await?;
            let mut after = before.clone();
            let at = self.moment_of_reset();
            after.limits.cost_reset_at = Some(at);
            after.updated_at = self.later_than(before.updated_at);
            let mut entry = self.audit(principal, "provider.limits_reset", format!("provider:{id}"));
            entry.before = redacted_provider(&ProviderView::from(&before));
            entry.after = redacted_provider(&ProviderView::from(&after));
            self.repository.update_provider(&after, before.updated_at, entry).await?;
            Ok((ProviderView::from(&after), at))
        })
        .await?;
        self.tell_of_reset(Owner::Provider(id), at).await;
        Ok(view)
    }

    async fn limits_of(&self, owner: Owner, limits: Limits<'_>) -> Result<LimitsView> {
        let limiter = self.limiter.as_deref().ok_or(ManagementError::NoLimits)?;
        match limiter.usage(owner, limits, self.now()).await? {
            Known::Yes(windows) => Ok(LimitsView {
                cost_reset_at: limits.money.cost_reset_at,
                windows: windows.iter().map(WindowView::from).collect(),
            }),
            Known::Restore(_) | Known::Restoring => {
                Err(ManagementError::LimitsUnavailable("the counters are not known yet".to_owned()))
            }
        }
    }

    /// Counters know whole milliseconds: everything that was charged so far lies before this one.
    fn moment_of_reset(&self) -> Timestamp {
        let now = self.now();
        now.round(TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Ceil)).unwrap_or(now)
    }

    /// Counters that can't be told now learn of it from the row, with the next request.
    async fn tell_of_reset(&self, owner: Owner, at: Timestamp) {
        if let Some(limiter) = self.limiter.as_deref() {
            let _ = limiter.reset(owner, at).await;
        }
    }
}
