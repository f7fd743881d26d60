//! The contract, held by the limiter in memory.

use std::sync::Arc;

use hub_rate_limit::{Calendar, MemoryLimits, MemoryRateLimiter, RateLimiter};

use crate::contract::{Subject, contract, noon};

struct InMemory(Arc<MemoryRateLimiter>);

impl Subject for InMemory {
    async fn fresh(calendar: Arc<Calendar>) -> Self {
        Self(Arc::new(MemoryRateLimiter::new(MemoryLimits::default(), calendar, noon())))
    }

    fn limiter(&self) -> Arc<dyn RateLimiter> {
        Arc::clone(&self.0) as _
    }

    async fn flush(&self) {}
}

contract!(InMemory);
