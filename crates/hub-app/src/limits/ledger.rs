//! The ledger as counters need it: complete up to a moment, in the limiter's words.

use std::sync::Arc;
use std::time::Duration;

use hub_rate_limit::{Grain, Owner, Past, Restore, Slot, Wanted};
use hub_repository::journal::Journal;
use hub_repository::{Charged, ChargedTo, LedgerQuestion, Repository, SumBy, SumWanted};
use hub_types::Clock;
use jiff::Timestamp;

/// A request that ended before the question stands in the journal within this time.
const GRACE: Duration = Duration::from_millis(20);
/// The same for the database, if it ended at another hub: that one's journal is drained every 100 ms. What comes
/// later is told by that hub (`late.rs`).
const GRACE_OF_OTHERS: Duration = Duration::from_millis(300);

/// What was charged, from the database and the journal before it.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Ledger {
    /// Waits until every line from before this moment can be read. False = it takes longer than `patience`.
    pub(super) async fn settle(&self, before: Timestamp, is_shared: bool, patience: Duration) -> bool {
        let grace = if is_shared { GRACE_OF_OTHERS } else { GRACE };
        // Counters may count from a moment on that is still to come, by a hair.
        let ahead = Duration::try_from(before.duration_since(self.clock.now())).unwrap_or_default();
        let pause = ahead.saturating_add(grace);
        if pause > patience {
            return false;
        }
        tokio::time::sleep(pause).await;
        self.journal.wait_until_drained(patience.saturating_sub(pause)).await
    }

    /// Answers the question. The error is for the log.
    pub(super) async fn past(&self, question: &Restore) -> Result<Vec<Past>, String> {
        let asked = LedgerQuestion {
            owner: match question.owner {
                Owner::User(user) => ChargedTo::User(user),
                Owner::Key(_, key) => ChargedTo::Key(key),
                Owner::Provider(provider) => ChargedTo::Provider(provider),
            },
            before: question.before,
            wanted: question.wanted.iter().map(sum).collect(),
        };
        let sums = self.repository.ledger_sums(&asked).await.map_err(|error| error.to_string())?;
        let past = |(wanted, charges): (&Wanted, _)| Past { wanted: *wanted, charges };
        Ok(question.wanted.iter().zip(sums).map(past).collect())
    }
}

fn sum(wanted: &Wanted) -> SumWanted {
    SumWanted {
        charged: match wanted.slot {
            Slot::Rpm => Charged::Requests,
            Slot::Tokens => Charged::Tokens,
            _ => Charged::Money,
        },
        from: wanted.from,
        by: match wanted.grain {
            Grain::Whole => SumBy::All,
            Grain::Minute => SumBy::Minute,
            Grain::Second => SumBy::Second,
        },
    }
}
