//! Waiting until what the journal holds now is in the database.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Journal;
use super::shelf::Position;

/// How often to look. The drain itself comes round every 100 ms.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// An end of the journal: everything that was appended before.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// On disk; `None` = nothing is there.
    on_disk: Option<Position>,
    /// If something was in memory only: how many ended requests will have been drained when that is, too.
    drained: Option<u64>,
}

impl Journal {
    /// Waits until every request that has ended so far is in the database, for so long at most. False = some are
    /// not there yet, or it can't be told.
    pub async fn wait_until_drained(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        // Callers that are appending at this moment are counted in.
        if let Some(batches) = self.commit.appended()
            && !until(deadline, || self.commit.is_written(batches)).await
        {
            return false;
        }
        let mark = self.mark();
        until(deadline, || self.is_drained(mark)).await
    }

    fn mark(&self) -> Mark {
        let kept = self.commit.status().kept_entries;
        let books = self.shelf.books();
        let undrained: u64 = books.segments.iter().map(|segment| segment.undrained).sum();
        Mark {
            on_disk: books.segments.back().map(|last| Position { number: last.number, offset: last.length }),
            drained: (kept > 0).then_some(books.counters.drained + undrained + kept),
        }
    }

    fn is_drained(&self, mark: Mark) -> bool {
        let books = self.shelf.books();
        if mark.drained.is_some_and(|drained| books.counters.drained < drained) {
            return false;
        }
        let Some(mark) = mark.on_disk else { return true };
        let mut before = books.segments.iter().filter(|segment| segment.number <= mark.number);
        before.all(|segment| {
            let is_passed = books.position.number == mark.number && books.position.offset >= mark.offset;
            segment.undrained == 0 || (segment.number == mark.number && is_passed)
        })
    }
}

/// Waits until something holds. False = not in time.
async fn until(deadline: Instant, holds: impl Fn() -> bool) -> bool {
    while !holds() {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(LOOK_EVERY).await;
    }
    true
}
