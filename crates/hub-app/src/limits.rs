//! Where limits are counted: in this process, or in Redis with this process to fall back on; with the ledger to
//! rebuild counters from.

mod late;
mod ledger;
mod restore;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hub_config::{BudgetMode as Held, Config};
use hub_http::Tasks;
use hub_rate_limit::{
    BudgetMode, Calendar, FallbackRateLimiter, MemoryLimits, MemoryRateLimiter, RateLimiter, RedisLimits,
    RedisRateLimiter,
};
use hub_redis::RedisConnection;
use hub_repository::journal::DrainWitness;
use jiff::Timestamp;

use late::LateLines;
pub(crate) use ledger::Ledger;
pub(crate) use restore::RestoringLimiter;

/// What is left to write when the hub ends has this long.
const FAREWELL: Duration = Duration::from_secs(2);

/// The counters that requests and people ask, and what has to be closed at the end.
pub(crate) struct LimitParts {
    pub(crate) limiter: Arc<dyn RateLimiter>,
    shared: Option<Shared>,
}

/// What hubs that share Redis have.
struct Shared {
    counters: Arc<FallbackRateLimiter>,
    late: Arc<LateLines>,
}

impl LimitParts {
    /// Needs a runtime: with Redis, a task writes what no request waits for.
    pub(crate) fn open(
        config: &Config,
        redis: Option<&Arc<RedisConnection>>,
        ledger: Ledger,
        tasks: &Tasks,
        now: Timestamp,
    ) -> Self {
        let calendar = Arc::new(Calendar::new(config.observability.time_zone.clone()));
        let reservation_ttl = config.limits.reservation_ttl;
        let bounds = MemoryLimits { reservation_ttl, ..MemoryLimits::default() };
        let local = MemoryRateLimiter::new(bounds, Arc::clone(&calendar), now);
        let shared = redis.map(|redis| {
            let bounds = RedisLimits { reservation_ttl, ..RedisLimits::default() };
            RedisRateLimiter::new(Arc::clone(redis), bounds, calendar)
        });
        let (counters, shared): (Arc<dyn RateLimiter>, _) = match shared {
            None => (Arc::new(local), None),
            Some(shared) => {
                let both = Arc::new(FallbackRateLimiter::new(shared, local));
                let late = Arc::new(LateLines::new(Arc::clone(&both) as _, Arc::clone(&ledger.clock)));
                tasks.spawn(Arc::clone(&late).run(tasks.stop_signal().clone()));
                (Arc::clone(&both) as _, Some(Shared { counters: both, late }))
            }
        };
        Self { limiter: Arc::new(RestoringLimiter::new(counters, ledger, tasks.clone())), shared }
    }

    /// Has to know what the journal brings into the database.
    pub(crate) fn witness(&self) -> Option<Arc<dyn DrainWitness>> {
        self.shared.as_ref().map(|shared| Arc::clone(&shared.late) as _)
    }

    /// Writes what waits.
    pub(crate) async fn close(self) {
        if let Some(Shared { counters, late }) = self.shared {
            late.tell();
            counters.close(FAREWELL).await;
        }
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
