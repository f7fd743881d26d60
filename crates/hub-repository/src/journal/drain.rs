//! The owner of the journal's reading end: brings ended requests into the database and keeps the files in order.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use hub_types::RequestRecord;

use super::Journal;
use super::entry::{self, Kind, Next};
use super::shelf::BatchLimits;
use crate::{Repository, RepositoryError};

/// How the journal is drained.
#[derive(Debug, Clone, Copy)]
pub struct DrainSettings {
    /// At most so many records in one transaction.
    pub batch_records: usize,
    /// At most so many bytes of the journal in one transaction, unless one record is larger.
    pub batch_bytes: usize,
    /// How often to look for new entries.
    pub poll: Duration,
    /// How often to sync and to keep within limits.
    pub upkeep: Duration,
    /// The longest pause while the database is away.
    pub max_pause: Duration,
    /// After cancellation, so long may emptying the journal take.
    pub last_effort: Duration,
}

impl Default for DrainSettings {
    fn default() -> Self {
        Self {
            batch_records: 500,
            batch_bytes: 4 << 20,
            poll: Duration::from_millis(100),
            upkeep: Duration::from_millis(50),
            max_pause: Duration::from_secs(5),
            last_effort: Duration::from_secs(10),
        }
    }
}

/// Somebody who wants to know what has come into the database.
pub trait DrainWitness: Send + Sync + 'static {
    /// These records are in the database, except for those that it refuses. Told before the journal forgets
    /// them, so after a crash perhaps once more. Must not wait: everything behind it does.
    fn drained(&self, records: &[RequestRecord]);
}

/// The drain of one journal into one repository. Run it exactly once, as a task that shutdown waits for.
pub struct Drain {
    journal: Arc<Journal>,
    repository: Arc<dyn Repository>,
    settings: DrainSettings,
    witness: Option<Arc<dyn DrainWitness>>,
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);

impl Drain {
    /// A drain with the usual settings.
    pub fn new(journal: Arc<Journal>, repository: Arc<dyn Repository>) -> Self {
        Self::with_settings(journal, repository, DrainSettings::default())
    }

    /// A drain with other settings.
    pub fn with_settings(
        journal: Arc<Journal>,
        repository: Arc<dyn Repository>,
        settings: DrainSettings,
    ) -> Self {
        Self { journal, repository, settings, witness: None }
    }

    /// Tells somebody what has come into the database.
    #[must_use]
    pub fn telling(self, witness: Arc<dyn DrainWitness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Drains until cancelled; then brings what is left into the database, and leaves an empty journal if the
    /// database takes everything in time. What it doesn't take stays on disk for the next start.
    pub async fn run(self, cancel: CancellationToken) {
        tokio::select! {
            () = self.write_loop(&cancel) => {}
            () = self.upkeep_loop() => {}
        }
        let journal = self.journal.clone();
        let outcome = blocking(move || {
            journal.upkeep()?;
            journal.empty()
        })
        .await;
        if let Err(error) = outcome {
            tracing::error!(%error, "the journal can't be synced at the end");
        }
        let left = self.journal.status().depth_entries;
        if left > 0 {
            tracing::warn!(left, "records stay in the journal for the next start");
        }
    }

    async fn upkeep_loop(&self) {
        let mut failing = false;
        loop {
            sleep(self.settings.upkeep).await;
            let journal = self.journal.clone();
            let outcome = blocking(move || journal.upkeep()).await;
            if let (Err(error), false) = (&outcome, failing) {
                tracing::error!(%error, "the journal can't be synced");
            }
            failing = outcome.is_err();
        }
    }

    async fn write_loop(&self, cancel: &CancellationToken) {
        let last_effort = self.settings.last_effort;
        let deadline = async {
            cancel.cancelled().await;
            sleep_until(Instant::now() + last_effort).await;
        };
        tokio::select! {
            () = self.write_until_done(cancel) => {}
            () = deadline => tracing::error!("the database did not take the rest of the journal in time"),
        }
    }

    /// Ends only when cancelled and everything is in the database.
    async fn write_until_done(&self, cancel: &CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            // Seen before reading: what was settled before the cancellation is read after it.
            let ending = cancel.is_cancelled();
            match self.write_batch().await {
                Ok(written) if written >= self.settings.batch_records => pause = FIRST_PAUSE,
                Ok(written) if ending => {
                    if written == 0 {
                        return;
                    }
                }
                // What comes in until the next look goes into one transaction: a commit costs far more than
                // a row, and one for every few requests would keep a processor busy.
                Ok(written) => {
                    pause = FIRST_PAUSE;
                    if written == 0 {
                        self.make_room();
                    }
                    tokio::select! {
                        () = sleep(self.settings.poll) => {}
                        () = cancel.cancelled() => {}
                    }
                }
                Err(reason) => {
                    tracing::warn!(%reason, "the journal waits for the database");
                    sleep(pause).await;
                    pause = (pause * 2).min(self.settings.max_pause);
                }
            }
        }
    }

    /// A drained segment need not wait until it is full.
    fn make_room(&self) {
        if self.journal.shelf.drained_bytes() >= Some(self.journal.settings.segment_bytes / 4) {
            self.journal.commit.rotate();
        }
    }

    /// Brings the next batch into the database; answers how many records it had.
    async fn write_batch(&self) -> Result<usize, String> {
        let limits = BatchLimits { records: self.settings.batch_records, bytes: self.settings.batch_bytes };
        let journal = self.journal.clone();
        let batch = blocking(move || journal.read_batch(limits)).await.map_err(|error| error.to_string())?;
        let Some(batch) = batch else { return self.write_kept().await };
        let written = batch.records.len();
        let refused = self.store(&batch.records, &batch.texts).await?;
        let journal = self.journal.clone();
        blocking(move || {
            journal.set_aside(&refused)?;
            journal.shelf.commit(&batch)
        })
        .await
        .map_err(|error| error.to_string())?;
        // A batch may hold nothing but what is no record any more; it still was one.
        Ok(written.max(1))
    }

    /// While the disk can't be written, entries go to the database straight from memory.
    async fn write_kept(&self) -> Result<usize, String> {
        let Some(bytes) = self.journal.commit.lend_kept() else { return Ok(0) };
        let (records, length) = parse_kept(&bytes, self.settings.batch_records);
        let written = records.len();
        let settled = written as u64;
        let lent = Lent { journal: &self.journal };
        let refused = self.store(&records, &[]).await?;
        self.journal.set_aside(&refused).map_err(|error| error.to_string())?;
        std::mem::forget(lent);
        self.journal.commit.take_back(length, settled);
        let mut books = self.journal.shelf.books();
        books.counters.drained += settled;
        Ok(written)
    }

    /// Writes records, and tells so; answers those that the database refuses.
    async fn store(&self, records: &[RequestRecord], texts: &[String]) -> Result<Vec<RequestRecord>, String> {
        let refused = self.write(records, texts).await?;
        if let Some(witness) = &self.witness {
            witness.drained(records);
        }
        Ok(refused)
    }

    /// Writes records; answers those that the database refuses although it takes others of the same batch.
    async fn write(&self, records: &[RequestRecord], texts: &[String]) -> Result<Vec<RequestRecord>, String> {
        match self.repository.write_journalled(records, texts).await {
            Ok(_) => return Ok(Vec::new()),
            Err(RepositoryError::Database(reason)) if records.len() > 1 => {
                tracing::warn!(%reason, "the database refuses a batch: its records are tried one by one");
            }
            Err(error) => return Err(error.to_string()),
        }
        let (mut refused, mut reason) = (Vec::new(), String::new());
        for record in records {
            match self.repository.write_records(std::slice::from_ref(record)).await {
                Ok(_) => {}
                Err(RepositoryError::Database(text)) => {
                    refused.push(record.clone());
                    reason = text;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        // If it refuses them all, it is the database that is wrong, not the records.
        if refused.len() == records.len() { Err(reason) } else { Ok(refused) }
    }
}

/// Gives lent bytes back untouched if the write fails or is abandoned.
struct Lent<'a> {
    journal: &'a Journal,
}

impl std::ops::Drop for Lent<'_> {
    fn drop(&mut self) {
        self.journal.commit.take_back(0, 0);
    }
}

/// Ended requests at the beginning of lent bytes, and how many bytes they take.
pub(super) fn parse_kept(bytes: &[u8], limit: usize) -> (Vec<RequestRecord>, usize) {
    let (mut records, mut at) = (Vec::new(), 0);
    while let Some(Next::Entry(frame)) = bytes.get(at..).map(entry::next) {
        if records.len() == limit {
            break;
        }
        if frame.kind == Kind::Settled
            && let Ok(record) = serde_json::from_slice(frame.payload)
        {
            records.push(record);
        }
        at += frame.size;
    }
    (records, at)
}

impl Journal {
    /// Keeps records that the database refuses where people find them.
    fn set_aside(&self, records: &[RequestRecord]) -> io::Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let path = self.shelf.dir.join("refused.jsonl");
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        for record in records {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            file.write_all(&line)?;
            tracing::error!(request = %record.id, "the database refuses a record: it is kept in refused.jsonl");
        }
        file.sync_data()?;
        self.shelf.books().counters.set_aside += records.len() as u64;
        Ok(())
    }
}

/// File work off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}
