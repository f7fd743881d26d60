//! Ledger lines that came late: counters that another hub rebuilt without them are read again.
//!
//! Whoever rebuilds counters that Redis has lost waits for the lines of its own journal and gives those of others
//! a moment. A journal whose database is away for longer is missing in that answer. So each hub watches what its
//! journal brings into the database, and of lines that came later than anybody waited for it tells Redis, which
//! drops the counters that were rebuilt for a later moment; all others have counted the charge themselves.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hub_rate_limit::{Owner, RateLimiter};
use hub_repository::journal::DrainWitness;
use hub_types::{Clock, RequestRecord};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Who rebuilds counters waits for 300 ms: a third of that is left for clocks that differ.
const LATE: SignedDuration = SignedDuration::from_millis(200);
/// A database that is slow for long makes every line late. Counters that are read again keep requests waiting, so
/// that happens once in this time at most.
const PAUSE: Duration = Duration::from_secs(5);
/// Owners that are kept in mind; the writer to Redis has a bound of its own.
const MOST: usize = 65_536;

/// See the module's documentation.
pub(crate) struct LateLines {
    limiter: Arc<dyn RateLimiter>,
    clock: Arc<dyn Clock>,
    /// Whose lines, and the time of the earliest of them.
    noted: Mutex<HashMap<Owner, Timestamp>>,
    has_come: Notify,
}

impl LateLines {
    pub(super) fn new(limiter: Arc<dyn RateLimiter>, clock: Arc<dyn Clock>) -> Self {
        Self { limiter, clock, noted: Mutex::default(), has_come: Notify::new() }
    }

    /// Tells Redis of what has come, until it is stopped. What comes later is told by [`LateLines::tell`].
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let rounds = async {
            loop {
                self.has_come.notified().await;
                self.tell();
                sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = rounds => {}
        }
    }

    /// Tells what has come so far.
    pub(super) fn tell(&self) {
        let noted = std::mem::take(&mut *self.noted.lock());
        for (owner, at) in noted {
            self.limiter.outdate(owner, at);
        }
    }

    fn note(&self, record: &RequestRecord) {
        let at = record.settled_at();
        let mut noted = self.noted.lock();
        for line in record.ledger_lines() {
            let (user, key) = (Owner::User(line.user_id), Owner::Key(line.user_id, line.key_id));
            for owner in [user, key, Owner::Provider(line.provider_id)] {
                noted.entry(owner).and_modify(|earliest| *earliest = at.min(*earliest)).or_insert(at);
            }
        }
    }
}

impl DrainWitness for LateLines {
    fn drained(&self, records: &[RequestRecord]) {
        let now = self.clock.now();
        let is_late = |record: &&RequestRecord| now.duration_since(record.settled_at()) > LATE;
        let mut late = records.iter().filter(is_late).peekable();
        if late.peek().is_none() {
            return;
        }
        for record in late {
            self.note(record);
        }
        if self.noted.lock().len() > MOST {
            self.tell();
        }
        self.has_come.notify_one();
    }
}
