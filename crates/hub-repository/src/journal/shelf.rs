//! The segments on disk as the reading side sees them: which there are, how far they are drained, what is left.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use hub_types::RequestRecord;

use super::entry::{self, HEADER, Kind, Next};
use super::medium::segment_path;

/// One segment.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    /// Bytes that hold entries.
    pub(crate) length: u64,
    /// Ended requests in it that are not in the database yet.
    pub(crate) undrained: u64,
    /// Nothing is appended to it any more.
    pub(crate) closed: bool,
    /// It holds damage: it is kept aside instead of deleted.
    pub(crate) damaged: bool,
    /// Its details were given up already.
    pub(crate) lean: bool,
}

/// How far the journal is drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) number: u64,
    pub(crate) offset: u64,
}

/// What a write changed.
pub(crate) struct Written {
    pub(crate) number: u64,
    pub(crate) length: u64,
    pub(crate) settled: u64,
    pub(crate) oldest: Option<Timestamp>,
}

/// Numbers that only grow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) corrupt: u64,
    pub(crate) dropped_details: u64,
    pub(crate) dropped_lines: u64,
    pub(crate) drained: u64,
    pub(crate) set_aside: u64,
}

/// Ended requests read for the database.
pub(crate) struct Batch {
    pub(crate) records: Vec<RequestRecord>,
    /// The same as they stand in the journal.
    pub(crate) texts: Vec<String>,
    end: Position,
    generation: u64,
    entries: u64,
}

/// The books, behind a short lock that is never held over file access.
pub(crate) struct Books {
    pub(crate) segments: VecDeque<Segment>,
    pub(crate) position: Position,
    /// Raised when a segment is rewritten under a reader.
    pub(crate) generation: u64,
    pub(crate) oldest: Option<Timestamp>,
    pub(crate) counters: Counters,
}

/// The reading side of the journal.
pub(crate) struct Shelf {
    pub(crate) dir: PathBuf,
    books: Mutex<Books>,
    /// Held by whoever reads, rewrites or deletes segments.
    files: Mutex<()>,
}

/// Limits of one batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
}

impl Shelf {
    pub(crate) fn new(
        dir: PathBuf,
        segments: VecDeque<Segment>,
        position: Position,
        counters: Counters,
    ) -> Self {
        let books = Books { segments, position, generation: 0, oldest: None, counters };
        Self { dir, books: Mutex::new(books), files: Mutex::new(()) }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock()
    }

    pub(crate) fn files(&self) -> MutexGuard<'_, ()> {
        self.files.lock()
    }

    /// Notes what the appending side wrote.
    pub(crate) fn note(&self, written: &Written) {
        let mut books = self.books.lock();
        if books.segments.iter().all(|segment| segment.undrained == 0) {
            books.oldest = written.oldest;
        }
        match books.segments.back_mut() {
            Some(last) if last.number == written.number => {
                last.length = written.length;
                last.undrained += written.settled;
            }
            last => {
                if let Some(last) = last {
                    last.closed = true;
                }
                books.segments.push_back(Segment {
                    number: written.number,
                    length: written.length,
                    undrained: written.settled,
                    closed: false,
                    damaged: false,
                    lean: false,
                });
            }
        }
    }

    pub(crate) fn close_last(&self) {
        if let Some(last) = self.books.lock().segments.back_mut() {
            last.closed = true;
        }
    }

    /// The next ended requests that are not in the database; `None` if there are none. Finished segments are
    /// removed on the way.
    pub(crate) fn read_batch(&self, limits: BatchLimits) -> io::Result<Option<Batch>> {
        let _files = self.files();
        loop {
            let (segment, position, generation) = {
                let mut books = self.books.lock();
                let Some(first) = books.segments.front().cloned() else { return Ok(None) };
                if books.position.number != first.number {
                    books.position = Position { number: first.number, offset: 0 };
                }
                (first, books.position, books.generation)
            };
            if position.offset >= segment.length {
                if !segment.closed {
                    return Ok(None);
                }
                self.remove_first(&segment)?;
                continue;
            }
            let read = read_segment(&self.dir, &segment, position.offset, limits)?;
            let end = Position { number: segment.number, offset: position.offset + read.length };
            let mut books = self.books.lock();
            if read.damage > 0 && !segment.damaged {
                books.counters.corrupt += read.damage;
                if let Some(first) = books.segments.front_mut() {
                    first.damaged = true;
                }
                tracing::error!(
                    segment = segment.number,
                    entries = read.damage,
                    "the journal holds damaged entries"
                );
            }
            if read.records.is_empty() {
                books.position = end;
                continue;
            }
            let entries = read.records.len() as u64;
            let Read { records, texts, .. } = read;
            return Ok(Some(Batch { records, texts, end, generation, entries }));
        }
    }

    /// A batch is in the database for good: go on behind it.
    pub(crate) fn commit(&self, batch: &Batch) -> io::Result<()> {
        let position = {
            let mut books = self.books.lock();
            if books.generation != batch.generation || books.position.number != batch.end.number {
                // The segment was rewritten meanwhile: it is read again, and what is there already changes nothing.
                return Ok(());
            }
            books.position = batch.end;
            books.counters.drained += batch.entries;
            if let Some(first) = books.segments.front_mut() {
                first.undrained = first.undrained.saturating_sub(batch.entries);
            }
            let rest: u64 = books.segments.iter().map(|segment| segment.undrained).sum();
            let last_end = batch.records.last().map(RequestRecord::settled_at);
            books.oldest = if rest == 0 { None } else { last_end };
            books.position
        };
        write_checkpoint(&self.dir, position)
    }

    /// Deletes the first segment, or keeps it aside if it holds damage.
    fn remove_first(&self, segment: &Segment) -> io::Result<()> {
        let path = segment_path(&self.dir, segment.number);
        let outcome = if segment.damaged {
            fs::rename(&path, path.with_extension("corrupt"))
        } else {
            fs::remove_file(&path)
        };
        match outcome {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut books = self.books.lock();
        books.segments.pop_front();
        if let Some(next) = books.segments.front().map(|next| next.number) {
            books.position = Position { number: next, offset: 0 };
        }
        Ok(())
    }

    /// Removes the segments at the front that are drained and closed.
    pub(crate) fn remove_finished(&self) -> io::Result<()> {
        let _files = self.files();
        loop {
            let first = {
                let books = self.books.lock();
                let Some(first) = books.segments.front().cloned() else { return Ok(()) };
                let at_end = Position { number: first.number, offset: first.length };
                if !first.closed || books.position != at_end {
                    return Ok(());
                }
                first
            };
            self.remove_first(&first)?;
        }
    }

    /// Bytes of the segment that is being appended to, if all of it is drained.
    pub(crate) fn drained_bytes(&self) -> Option<u64> {
        let books = self.books.lock();
        let only = books.segments.front().filter(|_| books.segments.len() == 1)?;
        (only.undrained == 0 && books.position == Position { number: only.number, offset: only.length })
            .then_some(only.length)
    }
}

struct Read {
    records: Vec<RequestRecord>,
    texts: Vec<String>,
    length: u64,
    damage: u64,
}

fn parse(payload: &[u8]) -> Option<(RequestRecord, &str)> {
    let text = std::str::from_utf8(payload).ok()?;
    Some((serde_json::from_str(text).ok()?, text))
}

/// Reads ended requests from an offset of a segment on, within limits, but at least one entry.
fn read_segment(dir: &Path, segment: &Segment, from: u64, limits: BatchLimits) -> io::Result<Read> {
    let file = File::open(segment_path(dir, segment.number))?;
    let left = usize::try_from(segment.length - from).unwrap_or(usize::MAX);
    let mut bytes = vec![0; left.min(limits.bytes.max(HEADER))];
    file.read_exact_at(&mut bytes, from)?;
    let mut read = Read { records: Vec::new(), texts: Vec::new(), length: 0, damage: 0 };
    let mut at = 0;
    while at < bytes.len() && read.records.len() < limits.records {
        match entry::next(bytes.get(at..).unwrap_or_default()) {
            Next::Entry(frame) => {
                if frame.kind == Kind::Settled {
                    match parse(frame.payload) {
                        Some((record, text)) => {
                            read.records.push(record);
                            read.texts.push(text.to_owned());
                        }
                        None => read.damage += 1,
                    }
                }
                at += frame.size;
            }
            Next::Incomplete { needed } if bytes.len() < left && at + needed <= left => {
                if at > 0 {
                    break;
                }
                bytes.resize(needed, 0);
                file.read_exact_at(&mut bytes, from)?;
            }
            Next::Incomplete { .. } | Next::Damaged => {
                if bytes.len() < left {
                    bytes.resize(left, 0);
                    file.read_exact_at(&mut bytes, from)?;
                }
                read.damage += 1;
                at = entry::resync(&bytes, at + 1).unwrap_or(left);
            }
        }
    }
    read.length = at as u64;
    Ok(read)
}

const CHECKPOINT: &str = "drained";

/// Remembers how far the journal is drained. Losing it costs reading again, nothing else.
fn write_checkpoint(dir: &Path, position: Position) -> io::Result<()> {
    let draft = dir.join("drained.new");
    fs::write(&draft, format!("{} {}\n", position.number, position.offset))?;
    fs::rename(draft, dir.join(CHECKPOINT))
}

/// Reads what was remembered.
pub(crate) fn read_checkpoint(dir: &Path) -> Option<Position> {
    let text = fs::read_to_string(dir.join(CHECKPOINT)).ok()?;
    let (number, offset) = text.trim().split_once(' ')?;
    Some(Position { number: number.parse().ok()?, offset: offset.parse().ok()? })
}
