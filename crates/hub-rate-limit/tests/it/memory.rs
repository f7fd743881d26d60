//! The contract, held by the limiter in memory.

use std::sync::Arc;

use hub_rate_limit::{Calendar, MemoryLimits, MemoryRateLimiter, RateLimiter};

use crate::contract::{Desk, Subject, contract, noon};
use crate::history::agree_with_the_model;
use crate::schedule::promises_are_kept;

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

#[tokio::test(flavor = "current_thread")]
async fn random_histories_agree_with_the_model() {
    agree_with_the_model::<InMemory>(0..10_000, 40, 1).await.assert_complete();
}

#[tokio::test(flavor = "current_thread")]
async fn random_schedules_keep_what_is_promised() {
    let desks = [Desk::<InMemory>::new().await];
    promises_are_kept(&desks, 1, 0..10_000).await;
}
