//! Whether something is due that one instance is to do for all, and not often: an alert, or a probe. An opening is
//! worth an alert, a breaker that goes to and fro is not worth many.

use std::collections::HashMap;
#[cfg(feature = "redis")]
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "redis")]
use hub_redis::RedisConnection;
use hub_types::ProviderId;
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::time::{Ms, ms};

/// At most one alert of a kind about a provider in this time.
pub const ALERT_PERIOD: Duration = Duration::from_secs(300);

/// What is due once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// The alert that a provider's breaker opened.
    Opened,
    /// The alert that a provider refuses the hub's account.
    Credential,
    /// The question whether a provider is back.
    Probe,
}

impl Occasion {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "alert",
            Self::Credential => "credential_alert",
            Self::Probe => "probe",
        }
    }
}

/// At most one turn for each provider and occasion in a period: over all instances where they share a Redis, and
/// for each of them while it is away.
#[derive(Debug, Default)]
pub struct AlertThrottle {
    /// The last turns of this process, and how long they hold. Holds the providers of one period.
    last: Mutex<HashMap<(Occasion, ProviderId), (Ms, Ms)>>,
    #[cfg(feature = "redis")]
    shared: Option<Arc<RedisConnection>>,
}

impl AlertThrottle {
    /// For one process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shared by all that use this Redis.
    #[cfg(feature = "redis")]
    pub fn shared(connection: Arc<RedisConnection>) -> Self {
        Self { last: Mutex::default(), shared: Some(connection) }
    }

    /// Is the alert due that the provider's breaker opened? Who hears yes sends it.
    pub async fn is_due(&self, provider: ProviderId, now: Timestamp) -> bool {
        self.claim(Occasion::Opened, provider, ALERT_PERIOD, now).await
    }

    /// Is it this caller's turn? Nobody else's for a period, then.
    #[cfg_attr(not(feature = "redis"), expect(clippy::unused_async, reason = "with Redis it waits"))]
    pub async fn claim(
        &self,
        occasion: Occasion,
        provider: ProviderId,
        period: Duration,
        now: Timestamp,
    ) -> bool {
        let period = Ms::try_from(period.as_millis()).unwrap_or(Ms::MAX).max(1);
        if !self.note(occasion, provider, period, ms(now)) {
            return false;
        }
        #[cfg(feature = "redis")]
        if let Some(connection) = &self.shared
            && let Ok(false) = crate::redis::claim(connection, occasion, provider, period).await
        {
            // It was another instance's turn, at a time that Redis knows better.
            self.last.lock().remove(&(occasion, provider));
            return false;
        }
        true
    }

    fn note(&self, occasion: Occasion, provider: ProviderId, period: Ms, now: Ms) -> bool {
        let mut last = self.last.lock();
        // A clock that was set back must not silence anybody for longer than that.
        last.retain(|_, (at, period)| (*at..at.saturating_add(*period)).contains(&now));
        let is_due = !last.contains_key(&(occasion, provider));
        if is_due {
            last.insert((occasion, provider), (now, period));
        }
        is_due
    }
}
