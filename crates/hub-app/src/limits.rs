//! Where limits are counted: in this process, with the ledger to rebuild counters from.

mod ledger;
mod restore;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hub_config::Config;
use hub_http::Tasks;
use hub_rate_limit::{Calendar, MemoryLimits, MemoryRateLimiter, RateLimiter};
use jiff::Timestamp;

pub(crate) use ledger::Ledger;
pub(crate) use restore::RestoringLimiter;

/// The counters that requests and people ask.
pub(crate) struct LimitParts {
    pub(crate) limiter: Arc<dyn RateLimiter>,
}

impl LimitParts {
    pub(crate) fn open(config: &Config, ledger: Ledger, tasks: &Tasks, now: Timestamp) -> Self {
        let calendar = Arc::new(Calendar::new(config.observability.time_zone.clone()));
        let bounds =
            MemoryLimits { reservation_ttl: config.limits.reservation_ttl, ..MemoryLimits::default() };
        let counters = Arc::new(MemoryRateLimiter::new(bounds, calendar, now));
        Self { limiter: Arc::new(RestoringLimiter::new(counters, ledger, tasks.clone())) }
    }
}
