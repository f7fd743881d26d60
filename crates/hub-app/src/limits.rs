//! Who counts requests, money and tokens: this process.

use std::sync::Arc;

use hub_config::{BudgetMode as Held, Config};
use hub_rate_limit::{BudgetMode, Calendar, MemoryLimits, MemoryRateLimiter, RateLimiter};
use jiff::Timestamp;

/// The counters, and what has to be closed at the end.
pub(crate) struct LimitParts {
    pub(crate) limiter: Arc<dyn RateLimiter>,
}

impl LimitParts {
    pub(crate) fn open(config: &Config, now: Timestamp) -> Self {
        let calendar = Arc::new(Calendar::new(config.observability.time_zone.clone()));
        let bounds = MemoryLimits {
            reservation_ttl: config.limits.reservation_ttl,
            has_ledger: false,
            ..MemoryLimits::default()
        };
        Self { limiter: Arc::new(MemoryRateLimiter::new(bounds, calendar, now)) }
    }
}

/// How budgets are held; `None` = no limit is.
pub(crate) const fn budget_mode(config: &Config) -> Option<BudgetMode> {
    match (config.limits.enabled, config.limits.budget_mode) {
        (false, _) => None,
        (true, Held::Balanced) => Some(BudgetMode::Balanced),
        (true, Held::Strict) => Some(BudgetMode::Strict),
    }
}
