//! Where the gateway's records go: into the journal, and from there into the database. On the way it notes
//! when each key was last used.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use hub_proxy::RecordSink;
use hub_repository::Repository;
use hub_repository::journal::Journal;
use hub_types::{KeyId, OpenRequest, RequestRecord};

const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// See the module's documentation.
pub(crate) struct Recorder {
    journal: Arc<Journal>,
    /// Bounded by the number of keys.
    used: Mutex<HashMap<KeyId, Timestamp>>,
}

impl Recorder {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal, used: Mutex::default() }
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
    }
}
