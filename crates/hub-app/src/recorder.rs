//! Where the gateway's records go: into the journal, and from there into the database. On the way it notes
//! when each key was last used, and what limits refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use hub_proxy::RecordSink;
use hub_rate_limit::LimitType;
use hub_repository::Repository;
use hub_repository::journal::Journal;
use hub_types::{KeyId, OpenRequest, Outcome, RequestRecord};

use crate::refusals::Refusals;

const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// See the module's documentation.
pub(crate) struct Recorder {
    journal: Arc<Journal>,
    /// Bounded by the number of keys.
    used: Mutex<HashMap<KeyId, Timestamp>>,
    refusals: Arc<Refusals>,
}

impl Recorder {
    pub(crate) fn new(journal: Arc<Journal>, refusals: Arc<Refusals>) -> Self {
        Self { journal, used: Mutex::default(), refusals }
    }

    /// Brings the moments of last use into the database every minute, and once more at the end.
    pub(crate) async fn run(self: Arc<Self>, repository: Arc<dyn Repository>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TOUCH_EVERY) => {}
            }
            let used: Vec<(KeyId, Timestamp)> = self.used.lock().drain().collect();
            if used.is_empty() {
                continue;
            }
            if let Err(error) = repository.touch_keys(&used).await {
                // Nothing but the display depends on it: the next use brings it up to date.
                tracing::debug!(%error, "the moments of last use were not kept");
            }
        }
    }
}

impl RecordSink for Recorder {
    fn opened(&self, open: &OpenRequest) {
        self.journal.opened(open);
    }

    fn settled(&self, record: &RequestRecord) {
        self.journal.settled(record);
        if let Some(key) = record.key_id {
            self.used.lock().insert(key, record.created_at);
        }
        if let (Some(limit), Some(user), Some(key)) = (refused_by(record), record.user_id, record.key_id) {
            self.refusals.note(limit, user, key, record.created_at);
        }
    }
}

/// The limit that refused a request, by its stable word.
fn refused_by(record: &RequestRecord) -> Option<&'static str> {
    let code = record.error_code.as_deref().filter(|_| record.outcome == Outcome::Refused)?;
    let limits = LimitType::ALL.map(LimitType::as_str);
    limits.into_iter().chain(["concurrent_sessions"]).find(|limit| *limit == code)
}
