//! Whether an alert is due: an opening is worth one, a breaker that goes to and fro is not worth many.

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

/// At most one alert about a provider in this time.
pub const ALERT_PERIOD: Duration = Duration::from_secs(300);

const PERIOD: Ms = 300_000;

/// At most one alert about a provider in [`ALERT_PERIOD`]: over all instances where they share a Redis, and by
/// each of them while it is away.
#[derive(Debug, Default)]
pub struct AlertThrottle {
    /// When this process alerted last. Holds the providers of one period.
    last: Mutex<HashMap<ProviderId, Ms>>,
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

    /// Is an alert about the provider due? Who hears yes sends it.
    #[cfg_attr(not(feature = "redis"), expect(clippy::unused_async, reason = "with Redis it waits"))]
    pub async fn is_due(&self, provider: ProviderId, now: Timestamp) -> bool {
        if !self.note(provider, ms(now)) {
            return false;
        }
        #[cfg(feature = "redis")]
        if let Some(connection) = &self.shared
            && let Ok(false) = crate::redis::claim(connection, provider, ALERT_PERIOD).await
        {
            // Another instance alerted, at a time that Redis knows better.
            self.last.lock().remove(&provider);
            return false;
        }
        true
    }

    fn note(&self, provider: ProviderId, now: Ms) -> bool {
        let mut last = self.last.lock();
        // A clock that was set back must not silence anybody for longer than that.
        last.retain(|_, at| (*at..at.saturating_add(PERIOD)).contains(&now));
        let is_due = !last.contains_key(&provider);
        if is_due {
            last.insert(provider, now);
        }
        is_due
    }
}
