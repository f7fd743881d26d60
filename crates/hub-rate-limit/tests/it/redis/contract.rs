//! The contract, held in Redis alone and with memory beside it.

use std::sync::Arc;

use hub_rate_limit::{
    Calendar, FallbackRateLimiter, MemoryLimits, MemoryRateLimiter, RateLimiter, RedisLimits,
    RedisRateLimiter,
};

use super::PATIENCE;
use super::database::Database;
use crate::contract::{Subject, noon};

pub(super) struct InRedis {
    pub(super) limiter: Arc<RedisRateLimiter>,
    pub(super) database: Database,
}

struct InBoth {
    limiter: Arc<FallbackRateLimiter>,
    _database: Database,
}

impl Subject for InRedis {
    async fn fresh(calendar: Arc<Calendar>) -> Self {
        let database = Database::take().await;
        let limiter = RedisRateLimiter::new(database.connect().await, RedisLimits::default(), calendar);
        Self { limiter: Arc::new(limiter), database }
    }

    fn limiter(&self) -> Arc<dyn RateLimiter> {
        Arc::clone(&self.limiter) as _
    }

    async fn flush(&self) {
        assert!(self.limiter.flush(PATIENCE).await);
        assert_eq!(self.limiter.writes().lost, 0);
    }
}

impl Subject for InBoth {
    async fn fresh(calendar: Arc<Calendar>) -> Self {
        let database = Database::take().await;
        let (connection, bounds) = (database.connect().await, RedisLimits::default());
        let shared = RedisRateLimiter::new(connection, bounds, Arc::clone(&calendar));
        let local = MemoryRateLimiter::new(MemoryLimits::default(), calendar, noon());
        let limiter = FallbackRateLimiter::new(shared, local);
        Self { limiter: Arc::new(limiter), _database: database }
    }

    fn limiter(&self) -> Arc<dyn RateLimiter> {
        Arc::clone(&self.limiter) as _
    }

    async fn flush(&self) {
        assert!(self.limiter.shared().flush(PATIENCE).await);
        assert_eq!(self.limiter.shared().writes().lost, 0);
    }
}

mod in_redis {
    use super::InRedis;
    use crate::contract::contract;
    contract!(InRedis);
}

mod in_both {
    use super::InBoth;
    use crate::contract::contract;
    contract!(InBoth);
}
