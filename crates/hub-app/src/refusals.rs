//! What limits refused, counted for people: in memory first, and every few seconds into the database.
//!
//! Nothing is decided by these counts. They are bounded, and what a crash takes is missing in a picture.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use hub_repository::{LimitEvent, Repository};
use hub_types::{KeyId, UserId};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Limits, keys and hours that are counted apart before they are flushed.
const MAX_ENTRIES: usize = 10_000;
/// Rows that go into one transaction.
const AT_ONCE: usize = 500;

/// Hours since 1970, the limit's stable word, whose request, with which key.
type What = (i64, &'static str, UserId, KeyId);

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by: HashMap<What, u64>,
    /// Refusals that found no room.
    lost: u64,
}

impl Counts {
    fn add(&mut self, what: What, count: u64) {
        let is_full = self.by.len() >= MAX_ENTRIES;
        match self.by.entry(what) {
            Entry::Occupied(mut entry) => *entry.get_mut() += count,
            Entry::Vacant(entry) if !is_full => {
                entry.insert(count);
            }
            Entry::Vacant(_) => self.lost += count,
        }
    }
}

impl Refusals {
    /// A limit refused a request.
    pub(crate) fn note(&self, kind: &'static str, user: UserId, key: KeyId, at: Timestamp) {
        let hour = at.as_second().div_euclid(3600);
        self.0.lock().add((hour, kind, user, key), 1);
    }

    /// Brings the counts into the database every few seconds, and once more at the end.
    pub(crate) async fn run(self: Arc<Self>, repository: Arc<dyn Repository>, stop: CancellationToken) {
        loop {
            // Seen before the flush: what was noted before the end is in it.
            let is_ending = stop.is_cancelled();
            self.flush(&*repository).await;
            if is_ending {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(FLUSH_EVERY) => {}
            }
        }
    }

    /// What can't be written is tried again next time.
    async fn flush(&self, repository: &dyn Repository) {
        let taken = std::mem::take(&mut *self.0.lock());
        if taken.lost > 0 {
            tracing::warn!(refusals = taken.lost, "too many limits refuse too many keys to count them all");
        }
        let rows: Vec<(What, u64)> = taken.by.into_iter().collect();
        for (number, chunk) in rows.chunks(AT_ONCE).enumerate() {
            let events: Vec<LimitEvent> = chunk.iter().map(event).collect();
            if let Err(error) = repository.count_limit_events(&events).await {
                tracing::debug!(%error, "refusals wait for the database");
                let mut counts = self.0.lock();
                for (what, count) in rows.iter().skip(number * AT_ONCE) {
                    counts.add(*what, *count);
                }
                return;
            }
        }
    }
}

fn event(((hour, kind, user_id, key_id), count): &(What, u64)) -> LimitEvent {
    LimitEvent {
        hour: Timestamp::from_second(hour.saturating_mul(3600)).unwrap_or_default(),
        kind: (*kind).to_owned(),
        user_id: *user_id,
        key_id: *key_id,
        count: *count,
    }
}

#[cfg(test)]
mod tests {
    use hub_repository::{LimitEventFilter, Sealer, SqliteRepository, SqliteSettings};
    use jiff::SignedDuration;
    use tempfile::TempDir;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + seconds).unwrap()
    }

    async fn counted(repository: &dyn Repository) -> Vec<(String, i64, u64)> {
        let day = SignedDuration::from_hours(24);
        let (from, to) = (at(0) - day, at(0) + day);
        let filter = LimitEventFilter { from, to, kind: None, user_id: None, key_id: None, limit: 20_000 };
        let rows = repository.limit_events(&filter).await.unwrap();
        rows.into_iter().map(|row| (row.kind, row.key_id.0, row.count)).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn refusals_are_in_the_database_when_the_hub_has_ended() {
        let directory = TempDir::new().unwrap();
        let settings = SqliteSettings::new(directory.path().join("hub.db"), Sealer::new([7; 32]));
        let repository = Arc::new(SqliteRepository::open(settings).await.unwrap());
        let (refusals, stop) = (Arc::new(Refusals::default()), CancellationToken::new());
        refusals.note("rpm", UserId(1), KeyId(1), at(0));
        refusals.flush(&*repository).await;
        for _ in 0..3 {
            refusals.note("rpm", UserId(1), KeyId(1), at(5));
        }
        refusals.note("usd_5h", UserId(1), KeyId(2), at(7200));
        stop.cancel();
        Arc::clone(&refusals).run(Arc::clone(&repository) as Arc<_>, stop.clone()).await;
        // Nothing that comes later is asked for any more; what is in is in once.
        refusals.flush(&*repository).await;
        let expected = [("usd_5h".to_owned(), 2, 1), ("rpm".to_owned(), 1, 4)];
        assert_eq!(counted(&*repository).await, expected);
        repository.close().await;
    }

    #[test]
    fn what_is_counted_apart_has_a_bound_and_the_rest_is_known_to_be_missing() {
        let refusals = Refusals::default();
        for key in (0..).take(MAX_ENTRIES + 5) {
            refusals.note("rpm", UserId(1), KeyId(key), at(0));
            refusals.note("rpm", UserId(1), KeyId(0), at(0));
        }
        let counts = refusals.0.lock();
        assert_eq!((counts.by.len(), counts.lost), (MAX_ENTRIES, 5));
        assert_eq!(counts.by.values().sum::<u64>(), 2 * MAX_ENTRIES as u64 + 5);
    }
}
