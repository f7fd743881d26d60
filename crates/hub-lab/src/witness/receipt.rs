//! Follows one answer to its end.

use hub_types::Usage;
use sha2::{Digest as _, Sha256};

use super::{Outcome, Witness, micros};

/// Books how an answer ends. Dropped without a word, it books that the reader went away.
#[derive(Debug)]
pub(crate) struct Receipt {
    witness: Witness,
    sequence: u64,
    era: u64,
    hash: Option<Sha256>,
    bytes: u64,
    usage: Option<Usage>,
    outcome: Outcome,
}

impl Receipt {
    pub(super) fn new(witness: Witness, sequence: u64, era: u64, hash: bool) -> Self {
        let hash = hash.then(Sha256::new);
        Self { witness, sequence, era, hash, bytes: 0, usage: None, outcome: Outcome::ClientGone }
    }

    /// The number of the answer, which also makes its id unique.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Bytes go to the transport; with them the reader may learn a usage.
    pub(crate) fn sent(&mut self, bytes: &[u8], usage: Option<Usage>) {
        self.bytes += bytes.len() as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        if usage.is_some() {
            self.usage = usage;
        }
    }

    /// Everything was sent.
    pub(crate) fn complete(mut self) {
        self.outcome = Outcome::Complete;
    }

    /// The script broke the answer off.
    pub(crate) fn cut(mut self) {
        self.outcome = Outcome::Cut;
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let response_sha256 = self.hash.take().map(|hash| hash.finalize().into());
        let inner = &*self.witness.0;
        let finished = micros(inner.started.elapsed());
        {
            let mut books = inner.books.lock();
            if books.era != self.era {
                return;
            }
            let totals = &mut books.totals;
            match self.outcome {
                Outcome::Complete => totals.completed += 1,
                Outcome::Cut => totals.cut += 1,
                Outcome::ClientGone | Outcome::InProgress => totals.client_gone += 1,
            }
            totals.response_bytes += self.bytes;
            if let Some(usage) = self.usage {
                totals.usage += usage;
                if self.outcome == Outcome::Complete {
                    totals.completed_usage += usage;
                }
            }
            if let Some(entry) = books.entry(self.sequence) {
                entry.response_sha256 = response_sha256;
                entry.response_bytes = self.bytes;
                entry.usage = self.usage;
                entry.outcome = self.outcome;
                entry.finished_us = Some(finished);
            }
        }
        inner.changed.notify_waiters();
    }
}
