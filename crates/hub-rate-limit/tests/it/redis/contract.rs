//! The contract, held in Redis alone and with memory beside it.

use std::sync::Arc;

use hub_rate_limit::{
    Calendar, FallbackRateLimiter, MemoryLimits, MemoryRateLimiter, RateLimiter, RedisLimits,
    RedisRateLimiter,
};

use super::{PATIENCE, connect};
use crate::contract::{Subject, noon};
use hub_testkit::RedisDatabase;

pub(super) struct InRedis {
    pub(super) limiter: Arc<RedisRateLimiter>,
    pub(super) database: RedisDatabase,
}

struct InBoth {
    limiter: Arc<FallbackRateLimiter>,
    _database: RedisDatabase,
}

impl Subject for InRedis {
    async fn fresh(calendar: Arc<Calendar>) -> Self {
        let database = RedisDatabase::take().await.unwrap();
        let limiter = RedisRateLimiter::new(connect(database.url()).await, RedisLimits::default(), calendar);
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
        let database = RedisDatabase::take().await.unwrap();
        let (connection, bounds) = (connect(database.url()).await, RedisLimits::default());
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
