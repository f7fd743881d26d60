//! The contract, held in Redis.

use std::sync::Arc;
use std::time::Duration;

use hub_rate_limit::{Calendar, RateLimiter, RedisLimits, RedisRateLimiter};

use super::database::Database;
use crate::contract::Subject;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct InRedis {
    limiter: Arc<RedisRateLimiter>,
    _database: Database,
}

impl Subject for InRedis {
    async fn fresh(calendar: Arc<Calendar>) -> Self {
        let database = Database::take().await;
        let connection = database.connect().await;
        let limiter = RedisRateLimiter::new(connection, RedisLimits::default(), calendar);
        Self { limiter: Arc::new(limiter), _database: database }
    }

    fn limiter(&self) -> Arc<dyn RateLimiter> {
        Arc::clone(&self.limiter) as _
    }

    async fn flush(&self) {
        assert!(self.limiter.flush(PATIENCE).await);
        assert_eq!(self.limiter.writes().lost, 0);
    }
}

mod in_redis {
    use super::InRedis;
    use crate::contract::contract;
    contract!(InRedis);
}
