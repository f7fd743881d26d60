//! Group commit without a hand-off: callers put entries into a buffer, and whoever finds nobody writing writes
//! everything that is there, with one call, outside of the lock.
//!
//! Alone, a caller pays for one small write and wakes nobody. Under load, callers wait for the write that is
//! under way, and the next of them writes for all. What can't be written (disk full) stays in the buffer, up to
//! a limit, until a later try succeeds.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Condvar, Mutex, MutexGuard};

use hub_types::RequestId;

use super::medium::{Create, Medium, segment_path};
use super::shelf::{Shelf, Written};

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is in the file: it survives the end of this process.
    Written,
    /// The file can't be written just now; it is in memory and will be tried again.
    Kept,
    /// The file can't be written and memory is used up: it is gone (and counted).
    Dropped,
}

/// What an entry means for the book of open requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meaning {
    /// The request is now open.
    Opened(RequestId),
    /// The request ended then.
    Settled(RequestId, Timestamp),
}

struct Current {
    number: u64,
    medium: Arc<dyn Medium>,
    length: u64,
    head: u64,
}

/// The right to write: whoever holds it is the leader.
struct Writer {
    current: Option<Current>,
    next_number: u64,
}

#[derive(Default)]
struct Queue {
    buffer: Vec<u8>,
    spare: Vec<u8>,
    settled: u64,
    oldest: Option<Timestamp>,
    batch: u64,
    done: u64,
    failed_through: Option<u64>,
    writer: Option<Writer>,
    lent: bool,
    open: HashMap<RequestId, Box<[u8]>>,
    unsynced: Vec<(u64, Arc<dyn Medium>)>,
    dir_changed: bool,
    degraded: bool,
    dropped: u64,
}

/// Bounds of the buffer and of the segments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) segment_bytes: u64,
    pub(crate) kept_bytes: usize,
    pub(crate) open_requests: usize,
}

/// The appending side of the journal.
pub(crate) struct Commit {
    dir: PathBuf,
    create: Box<Create>,
    bounds: Bounds,
    queue: Mutex<Queue>,
    written: Condvar,
    shelf: Arc<Shelf>,
}

/// What the appending side says of itself.
pub(crate) struct CommitStatus {
    pub(crate) open: usize,
    pub(crate) kept_entries: u64,
    pub(crate) degraded: bool,
    pub(crate) dropped: u64,
    pub(crate) oldest: Option<Timestamp>,
}

impl Commit {
    pub(crate) fn new(
        dir: PathBuf,
        create: Box<Create>,
        bounds: Bounds,
        next_number: u64,
        shelf: Arc<Shelf>,
    ) -> Self {
        let writer = Some(Writer { current: None, next_number });
        Self {
            dir,
            create,
            bounds,
            queue: Mutex::new(Queue { writer, ..Queue::default() }),
            written: Condvar::new(),
            shelf,
        }
    }

    /// Appends an entry and returns once it is in the file, or can't be.
    pub(crate) fn append(&self, entry: &[u8], meaning: Meaning) -> Appended {
        let mut queue = self.queue.lock();
        if queue.degraded && !self.has_room(&queue, entry.len(), meaning) {
            queue.dropped += 1;
            if let Meaning::Settled(id, _) = meaning {
                queue.open.remove(&id);
            }
            return Appended::Dropped;
        }
        queue.buffer.extend_from_slice(entry);
        match meaning {
            Meaning::Opened(id) if queue.open.len() < self.bounds.open_requests => {
                queue.open.insert(id, entry.into());
            }
            Meaning::Opened(_) => {}
            Meaning::Settled(id, at) => {
                queue.open.remove(&id);
                queue.settled += 1;
                queue.oldest = queue.oldest.or(Some(at));
            }
        }
        if queue.degraded {
            // The upkeep tries again: a full disk must not be asked once for each request.
            return Appended::Kept;
        }
        let mine = queue.batch;
        while queue.done <= mine {
            if queue.lent {
                return Appended::Kept;
            }
            match queue.writer.take() {
                Some(writer) => self.lead(&mut queue, writer, false),
                None => self.written.wait(&mut queue),
            }
        }
        if queue.failed_through.is_some_and(|failed| failed >= mine) {
            Appended::Kept
        } else {
            Appended::Written
        }
    }

    /// Notes an entry that could not even be encoded.
    pub(crate) fn give_up(&self, meaning: Meaning) {
        let mut queue = self.queue.lock();
        queue.dropped += 1;
        if let Meaning::Settled(id, _) = meaning {
            queue.open.remove(&id);
        }
    }

    /// When degraded, an entry about an open request has half of the room, the rest is for ends.
    fn has_room(&self, queue: &Queue, length: usize, meaning: Meaning) -> bool {
        let room = match meaning {
            Meaning::Opened(_) => self.bounds.kept_bytes / 2,
            Meaning::Settled(..) => self.bounds.kept_bytes,
        };
        queue.buffer.len().saturating_add(length) <= room
    }

    /// Writes everything that is in the buffer. The caller took `writer` out of the queue; it is put back.
    fn lead(&self, queue: &mut MutexGuard<'_, Queue>, mut writer: Writer, rotate: bool) {
        let batch = queue.batch;
        queue.batch += 1;
        let spare = mem::take(&mut queue.spare);
        let mut bytes = mem::replace(&mut queue.buffer, spare);
        let settled = mem::take(&mut queue.settled);
        let oldest = queue.oldest.take();
        let head = match &writer.current {
            Some(current) if !rotate && !self.is_full(current, bytes.len()) => None,
            // Taken together with the batch: an end that comes later is in a later batch, behind this head.
            _ => Some(queue.open.values().flat_map(|entry| entry.iter().copied()).collect::<Vec<u8>>()),
        };
        let rotated = head.is_some();
        let outcome = MutexGuard::unlocked(queue, || {
            let outcome = self.write(&mut writer, &bytes, head);
            if let (Ok(()), Some(current)) = (&outcome, &writer.current) {
                self.shelf.note(&Written { number: current.number, length: current.length, settled, oldest });
            }
            outcome
        });
        match outcome {
            Ok(()) => {
                if let Some(current) = &writer.current
                    && queue.unsynced.last().is_none_or(|(number, _)| *number != current.number)
                {
                    queue.unsynced.push((current.number, current.medium.clone()));
                }
                queue.dir_changed |= rotated;
                queue.degraded = false;
                bytes.clear();
                if bytes.capacity() <= 1 << 20 {
                    queue.spare = bytes;
                }
            }
            Err(error) => {
                if !queue.degraded {
                    tracing::error!(%error, "the journal can't be written: entries are kept in memory");
                }
                queue.degraded = true;
                queue.failed_through = Some(batch);
                let later = mem::replace(&mut queue.buffer, bytes);
                queue.buffer.extend_from_slice(&later);
                queue.settled += settled;
                queue.oldest = oldest.or(queue.oldest);
            }
        }
        queue.done = batch + 1;
        queue.writer = Some(writer);
        self.written.notify_all();
    }

    fn is_full(&self, current: &Current, more: usize) -> bool {
        let own = current.length - current.head;
        own > 0 && own.saturating_add(more as u64) > self.bounds.segment_bytes
    }

    /// Writes a batch at the end of the current segment, or behind `head` into a new one.
    fn write(&self, writer: &mut Writer, bytes: &[u8], head: Option<Vec<u8>>) -> io::Result<()> {
        let length = bytes.len() as u64;
        match (&mut writer.current, head) {
            (Some(current), None) => {
                if let Err(error) = current.medium.write_at(bytes, current.length) {
                    // Half an entry must not stand between this and the next try.
                    let _ = current.medium.cut(current.length);
                    return Err(error);
                }
                current.length += length;
            }
            (_, head) => {
                let number = writer.next_number;
                let path = segment_path(&self.dir, number);
                let mut all = head.unwrap_or_default();
                let head = all.len() as u64;
                all.extend_from_slice(bytes);
                let medium = (self.create)(&path)?;
                if let Err(error) = medium.write_at(&all, 0) {
                    drop(medium);
                    let _ = std::fs::remove_file(&path);
                    return Err(error);
                }
                writer.next_number += 1;
                writer.current = Some(Current { number, medium, length: head + length, head });
            }
        }
        Ok(())
    }

    /// Makes what was written survive a power cut; does nothing if nothing was written since the last time.
    pub(crate) fn sync_if_dirty(&self) -> io::Result<()> {
        let (media, dir_changed) = {
            let mut queue = self.queue.lock();
            (mem::take(&mut queue.unsynced), mem::take(&mut queue.dir_changed))
        };
        let outcome = media
            .iter()
            .try_for_each(|(_, medium)| medium.sync())
            .and_then(|()| if dir_changed { super::medium::sync_dir(&self.dir) } else { Ok(()) });
        if outcome.is_err() {
            let mut queue = self.queue.lock();
            queue.unsynced.extend(media);
            queue.dir_changed |= dir_changed;
        }
        outcome
    }

    /// Tries again to write what could not be written.
    pub(crate) fn retry(&self) {
        let mut queue = self.queue.lock();
        if queue.degraded
            && !queue.lent
            && let Some(writer) = queue.writer.take()
        {
            self.lead(&mut queue, writer, false);
        }
    }

    /// Begins a new segment, so that the current one can be deleted when it is in the database.
    pub(crate) fn rotate(&self) {
        let mut queue = self.queue.lock();
        if !queue.degraded
            && let Some(writer) = queue.writer.take()
        {
            self.lead(&mut queue, writer, true);
        }
    }

    /// Closes the current segment without beginning another, if no request is open and nothing waits.
    pub(crate) fn close_if_idle(&self) -> bool {
        let mut queue = self.queue.lock();
        let idle = queue.open.is_empty() && queue.buffer.is_empty();
        match &mut queue.writer {
            Some(writer) if idle => {
                writer.current = None;
                self.shelf.close_last();
                true
            }
            _ => false,
        }
    }

    /// While the file can't be written: lends what is kept, to be brought into the database from memory.
    pub(crate) fn lend_kept(&self) -> Option<Vec<u8>> {
        let mut queue = self.queue.lock();
        if !queue.degraded || queue.lent || queue.writer.is_none() || queue.settled == 0 {
            return None;
        }
        queue.lent = true;
        Some(queue.buffer.clone())
    }

    /// Takes back what [`Commit::lend_kept`] lent: the first `length` bytes, with so many ends, are done with.
    pub(crate) fn take_back(&self, length: usize, settled: u64) {
        let mut queue = self.queue.lock();
        queue.lent = false;
        let length = length.min(queue.buffer.len());
        queue.buffer.drain(..length);
        queue.settled = queue.settled.saturating_sub(settled);
        if queue.settled == 0 {
            queue.oldest = None;
        }
    }

    /// How many batches will have been written when everything that was appended so far is; see
    /// [`Commit::is_written`]. `None` = the file can't be written, and what is kept is told by the status.
    pub(crate) fn appended(&self) -> Option<u64> {
        let queue = self.queue.lock();
        (!queue.degraded).then(|| queue.batch + u64::from(!queue.buffer.is_empty()))
    }

    /// Has so much been written, or is it known that it can't be?
    pub(crate) fn is_written(&self, batches: u64) -> bool {
        let queue = self.queue.lock();
        queue.degraded || queue.done >= batches
    }

    pub(crate) fn status(&self) -> CommitStatus {
        let queue = self.queue.lock();
        CommitStatus {
            open: queue.open.len(),
            kept_entries: if queue.degraded { queue.settled } else { 0 },
            degraded: queue.degraded,
            dropped: queue.dropped,
            oldest: queue.oldest,
        }
    }
}
