//! What a lab received and what it answered: running totals, and the details of the latest answers.

mod entry;
mod receipt;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use hub_types::Dialect;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use crate::route::Call;

pub(crate) use entry::hex;
pub use entry::{Entry, Outcome, Totals};
pub(crate) use receipt::Receipt;

/// Remembers. Cheap to clone; all clones see the same.
#[derive(Debug, Clone)]
pub struct Witness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    books: Mutex<Books>,
    changed: Notify,
    keep: usize,
    hash: bool,
    started: Instant,
}

#[derive(Debug, Default)]
struct Books {
    totals: Totals,
    /// Consecutive sequence numbers, oldest first.
    entries: VecDeque<Entry>,
    next: u64,
    /// Counts resets, so that an answer begun before one does not disturb the books after it.
    era: u64,
}

impl Books {
    fn entry(&mut self, sequence: u64) -> Option<&mut Entry> {
        let first = self.entries.front()?.sequence;
        let index = usize::try_from(sequence.checked_sub(first)?).ok()?;
        self.entries.get_mut(index)
    }
}

/// What is known of a request when its answer begins.
pub(crate) struct Received<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) call: Call,
    pub(crate) method: &'a http::Method,
    pub(crate) path: &'a str,
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) body: &'a [u8],
    pub(crate) received: Instant,
}

impl Witness {
    pub(crate) fn new(keep: usize, hash: bool) -> Self {
        let books = Mutex::new(Books { next: 1, ..Books::default() });
        Self(Arc::new(Inner { books, changed: Notify::new(), keep, hash, started: Instant::now() }))
    }

    /// The running totals.
    pub fn totals(&self) -> Totals {
        self.0.books.lock().totals
    }

    /// The remembered answers, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.since(0, usize::MAX)
    }

    /// At most `limit` remembered answers whose sequence number is above `sequence`, oldest first.
    pub fn since(&self, sequence: u64, limit: usize) -> Vec<Entry> {
        let books = self.0.books.lock();
        let first = books.entries.front().map_or(0, |entry| entry.sequence);
        let skip = usize::try_from(sequence.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        books.entries.iter().skip(skip).take(limit).cloned().collect()
    }

    /// The latest answer to a request that carried this `x-lab-id`.
    pub fn get(&self, lab_id: &str) -> Option<Entry> {
        let books = self.0.books.lock();
        books.entries.iter().rev().find(|entry| entry.lab_id.as_deref() == Some(lab_id)).cloned()
    }

    /// Waits until the totals satisfy a condition. False: they did not within `limit`.
    pub async fn wait_until(&self, limit: Duration, mut condition: impl FnMut(&Totals) -> bool) -> bool {
        let wait = async {
            loop {
                let mut changed = std::pin::pin!(self.0.changed.notified());
                changed.as_mut().enable();
                if condition(&self.totals()) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(limit, wait).await.is_ok()
    }

    /// Forgets everything and begins to count again.
    pub fn reset(&self) {
        {
            let mut books = self.0.books.lock();
            let era = books.era.wrapping_add(1);
            *books = Books { next: 1, era, ..Books::default() };
        }
        self.0.changed.notify_waiters();
    }

    /// A request was read as a whole.
    pub(crate) fn received(&self, bytes: usize) {
        let mut books = self.0.books.lock();
        books.totals.received += 1;
        books.totals.request_bytes += bytes as u64;
        drop(books);
        self.0.changed.notify_waiters();
    }

    /// An answer begins. The receipt books how it ends.
    pub(crate) fn answering(&self, request: Received<'_>, status: u16) -> Receipt {
        let inner = &*self.0;
        let request_sha256 = (inner.hash && inner.keep > 0).then(|| Sha256::digest(request.body).into());
        let mut books = inner.books.lock();
        let sequence = books.next;
        books.next += 1;
        books.totals.answered += 1;
        if status >= 400 {
            books.totals.refused += 1;
        }
        if inner.keep > 0 {
            let lab_id =
                request.headers.get("x-lab-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
            if books.entries.len() >= inner.keep {
                books.entries.pop_front();
            }
            books.entries.push_back(Entry {
                sequence,
                lab_id,
                dialect: request.dialect,
                call: request.call,
                method: request.method.clone(),
                path: request.path.to_owned(),
                model: request.model.to_owned(),
                stream: request.stream,
                headers: request.headers,
                request_sha256,
                request_bytes: request.body.len() as u64,
                status,
                usage: None,
                response_sha256: None,
                response_bytes: 0,
                outcome: Outcome::InProgress,
                received_us: micros(request.received.saturating_duration_since(inner.started)),
                answered_us: micros(inner.started.elapsed()),
                finished_us: None,
            });
        }
        let era = books.era;
        drop(books);
        inner.changed.notify_waiters();
        Receipt::new(self.clone(), sequence, era, inner.hash && inner.keep > 0)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
