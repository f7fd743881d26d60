//! How a provider stands: its circuit breaker, the pause that it asked for, its windows of money. And giving it
//! another chance.

use hub_circuit_breaker::{Breaker, BreakerConfig, BreakerHealth};
use hub_rate_limit::{Known, Limits, Owner};
use hub_types::{Provider, ProviderId};
use jiff::Timestamp;

use crate::view::{ProviderHealthView, WindowView};
use crate::{Management, ManagementError, Principal, Result};

impl Management {
    /// How a provider stands at the moment.
    pub async fn provider_health(&self, principal: &Principal, id: ProviderId) -> Result<ProviderHealthView> {
        principal.require_admin()?;
        let provider = self.living_provider(id).await?;
        self.health_of(&provider).await
    }

    /// Closes a provider's breaker and ends its pause: the next request may go there.
    pub async fn reset_breaker(&self, principal: &Principal, id: ProviderId) -> Result<ProviderHealthView> {
        principal.require_admin()?;
        let provider = self.living_provider(id).await?;
        let (breakers, pauses) = self.breakers()?;
        breakers.reset(id, BreakerConfig::from(&provider), self.now()).await;
        pauses.end(id);
        let entry = self.audit(principal, "provider.breaker_reset", format!("provider:{id}"));
        self.repository.append_audit(entry).await?;
        self.health_of(&provider).await
    }

    async fn health_of(&self, provider: &Provider) -> Result<ProviderHealthView> {
        let (breakers, pauses) = self.breakers()?;
        let (id, now) = (provider.id, self.now());
        let asked = [(id, BreakerConfig::from(provider))];
        let breaker = breakers.list(&asked, now).await.pop().ok_or(ManagementError::NotFound)?;
        let Breaker { health, state, .. } = breaker;
        let moment = |ms: i64| Timestamp::from_millisecond(ms).ok();
        let windows = match &self.limiter {
            None => Vec::new(),
            Some(limiter) => match limiter.usage(Owner::Provider(id), Limits::from(provider), now).await {
                Ok(Known::Yes(windows)) => windows.iter().map(WindowView::from).collect(),
                Ok(Known::Restore(_) | Known::Restoring) | Err(_) => Vec::new(),
            },
        };
        Ok(ProviderHealthView {
            provider_id: id,
            breaker: health.phase().as_str().to_owned(),
            failures: state.failures,
            opened_at: moment(state.opened_at).filter(|_| state.opened_at > 0),
            reopens_at: match health {
                BreakerHealth::Open { reopens_at } => moment(reopens_at),
                _ => None,
            },
            is_on_trial: matches!(health, BreakerHealth::OnTrial { .. }),
            paused_until: pauses.until(id, now),
            windows,
        })
    }
}
