//! The journal: what the request path writes instead of the database.
//!
//! Append-only segment files in one directory, written with `write(2)` before a request counts as settled, so
//! that the end of the process at any moment loses nothing; `fsync` follows by group every 50 ms, so that a
//! power cut loses at most that. [`Drain`] brings what ended into the database and deletes segments that are
//! done with. What lives elsewhere: what a record says (hub-types), how it is stored (the repositories).

mod commit;
mod condense;
mod drain;
mod entry;
mod mark;
mod medium;
mod replay;
mod shelf;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use hub_types::{OpenRequest, RequestRecord};

pub use commit::Appended;
pub use drain::{Drain, DrainSettings, DrainWitness};
pub use replay::Replay;

use commit::{Bounds, Commit, Meaning};
use entry::Kind;
use medium::{Create, create_file, sync_dir};
use shelf::{BatchLimits, Counters, Shelf};

/// Limits of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalSettings {
    /// Beyond so many bytes on disk, details of the oldest requests are given up, ledger lines last.
    pub max_bytes: u64,
    /// A new segment is begun when one would grow beyond this.
    pub segment_bytes: u64,
    /// What may be kept in memory while the disk can't be written, bytes.
    pub kept_bytes: usize,
    /// So many open requests are carried over from segment to segment.
    pub open_requests: usize,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { max_bytes: 1 << 30, segment_bytes: 8 << 20, kept_bytes: 32 << 20, open_requests: 100_000 }
    }
}

/// The journal can't be opened.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Another process has it open.
    #[error("the journal in {0} is in use by another process: a data directory belongs to one hub")]
    InUse(String),
    /// The directory can't be read or written.
    #[error("the journal in {directory} can't be used: {source}")]
    Io {
        /// Where.
        directory: String,
        /// Why.
        source: io::Error,
    },
}

/// The state of the journal, for metrics and readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalStatus {
    /// Ended requests that are not in the database yet, on disk and in memory.
    pub depth_entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// About when the oldest request ended that is not in the database yet.
    pub oldest: Option<Timestamp>,
    /// Requests that are open.
    pub open_requests: usize,
    /// The disk can't be written: entries are in memory only.
    pub degraded: bool,
    /// Entries lost because memory was used up while the disk could not be written.
    pub dropped: u64,
    /// Requests whose details were given up at `max_bytes`.
    pub dropped_details: u64,
    /// Ledger lines lost at `max_bytes`.
    pub dropped_lines: u64,
    /// Damaged entries found.
    pub corrupt: u64,
    /// Records that the database refuses whatever is tried; they are kept in the file `refused.jsonl`.
    pub set_aside: u64,
    /// Ended requests brought into the database since start.
    pub drained_total: u64,
}

impl JournalStatus {
    /// How long the oldest ended request has been waiting for the database.
    pub fn oldest_age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.oldest.map(|oldest| now.duration_since(oldest).max(SignedDuration::ZERO))
    }

    /// True if nothing is lost, nothing is only in memory.
    pub fn is_healthy(&self) -> bool {
        !self.degraded && self.dropped == 0 && self.dropped_lines == 0
    }
}

/// An open journal. Share it by `Arc`; all calls are for any thread.
pub struct Journal {
    commit: Commit,
    shelf: Arc<Shelf>,
    settings: JournalSettings,
    _lock: File,
}

impl Journal {
    /// Opens the journal in a directory (made if missing) and reads what an earlier life left there. Requests
    /// that were open then are settled as interrupted.
    pub fn open(dir: &Path, settings: JournalSettings) -> Result<(Self, Replay), JournalError> {
        Self::open_on(dir, settings, Box::new(create_file))
    }

    fn open_on(
        dir: &Path,
        settings: JournalSettings,
        create: Box<Create>,
    ) -> Result<(Self, Replay), JournalError> {
        let directory = || dir.display().to_string();
        let failed = |source| JournalError::Io { directory: directory(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(directory())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let found = replay::scan(dir).map_err(failed)?;
        let counters = Counters { corrupt: found.replay.corrupt, ..Counters::default() };
        let shelf = Arc::new(Shelf::new(dir.to_owned(), found.segments, found.position, counters));
        let bounds = Bounds {
            segment_bytes: settings.segment_bytes,
            kept_bytes: settings.kept_bytes,
            open_requests: settings.open_requests,
        };
        let commit = Commit::new(dir.to_owned(), create, bounds, found.next_number, shelf.clone());
        let journal = Self { commit, shelf, settings, _lock: lock };
        for open in found.interrupted {
            journal.settled(&open.interrupted());
        }
        Ok((journal, found.replay))
    }

    /// Notes that a request was admitted. Returns once that survives the end of this process.
    pub fn opened(&self, open: &OpenRequest) -> Appended {
        self.append(Kind::Opened, open, Meaning::Opened(open.id))
    }

    /// Notes how a request ended. Returns once that survives the end of this process.
    pub fn settled(&self, record: &RequestRecord) -> Appended {
        self.append(Kind::Settled, record, Meaning::Settled(record.id, record.settled_at()))
    }

    fn append(&self, kind: Kind, value: &impl serde::Serialize, meaning: Meaning) -> Appended {
        match entry::encode(kind, value) {
            Ok(entry) => self.commit.append(&entry, meaning),
            Err(error) => {
                tracing::error!(%error, "an entry can't be written to the journal");
                self.commit.give_up(meaning);
                Appended::Dropped
            }
        }
    }

    /// Makes what was written survive a power cut, if anything was written since the last time.
    pub fn sync_if_dirty(&self) -> io::Result<()> {
        self.commit.sync_if_dirty()
    }

    /// Where things stand.
    pub fn status(&self) -> JournalStatus {
        let commit = self.commit.status();
        let books = self.shelf.books();
        JournalStatus {
            depth_entries: books.segments.iter().map(|segment| segment.undrained).sum::<u64>()
                + commit.kept_entries,
            bytes: books.segments.iter().map(|segment| segment.length).sum(),
            oldest: books.oldest.or(commit.oldest),
            open_requests: commit.open,
            degraded: commit.degraded,
            dropped: commit.dropped,
            dropped_details: books.counters.dropped_details,
            dropped_lines: books.counters.dropped_lines,
            corrupt: books.counters.corrupt,
            set_aside: books.counters.set_aside,
            drained_total: books.counters.drained,
        }
    }

    /// What the owner does every 50 ms: sync, try failed writes again, keep within the limit.
    fn upkeep(&self) -> io::Result<()> {
        self.commit.retry();
        self.commit.sync_if_dirty()?;
        condense::enforce(&self.shelf, self.settings.max_bytes)
    }

    fn read_batch(&self, limits: BatchLimits) -> io::Result<Option<shelf::Batch>> {
        self.shelf.read_batch(limits)
    }

    /// Leaves an empty directory behind if nothing is open and everything is drained.
    fn empty(&self) -> io::Result<()> {
        if self.commit.close_if_idle() {
            self.shelf.remove_finished()?;
            sync_dir(&self.shelf.dir)?;
        }
        Ok(())
    }
}
