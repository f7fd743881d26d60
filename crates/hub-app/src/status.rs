//! What the hub tells about itself in `/api/v1/system/status`.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use hub_management::StatusSource;
use hub_management::view::{HubReport, JournalView, StoreView};
use hub_types::Clock;

use crate::health::Health;

/// See the module's documentation.
pub(crate) struct Status {
    pub(crate) health: Arc<Health>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) started: Instant,
}

#[async_trait]
impl StatusSource for Status {
    async fn report(&self) -> HubReport {
        let journal = self.health.journal.status();
        let state = if journal.is_healthy() { "up" } else { "degraded" };
        let mut stores =
            vec![StoreView { name: "journal".to_owned(), state: state.to_owned(), detail: None }];
        if self.health.redis.is_some() {
            let state = self.health.redis_word().to_owned();
            stores.push(StoreView { name: "redis".to_owned(), state, detail: None });
        }
        let age = journal.oldest_age(self.clock.now());
        HubReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: self.started.elapsed().as_secs(),
            stores,
            journal: Some(JournalView {
                entries: journal.depth_entries,
                bytes: journal.bytes,
                oldest_age_ms: age.map(|age| u64::try_from(age.as_millis()).unwrap_or(0)),
            }),
        }
    }
}
