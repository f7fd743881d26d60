//! What an earlier life of the hub left in the journal, found at start.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::Path;

use hub_types::{OpenRequest, RequestId};
use serde::Deserialize;

use super::entry::{self, Kind, Next};
use super::medium::{segment_number, segment_path};
use super::shelf::{Position, Segment, read_checkpoint};

/// What was found at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replay {
    /// Segments found.
    pub segments: u64,
    /// Ended requests that are not known to be in the database.
    pub settled: u64,
    /// Requests that were open when the hub died: they are recorded as interrupted.
    pub interrupted: u64,
    /// Segments whose last entry was not written to its end, and was cut off.
    pub torn: u64,
    /// Damaged entries with sound ones behind them.
    pub corrupt: u64,
}

pub(super) struct Found {
    pub(super) replay: Replay,
    pub(super) segments: VecDeque<Segment>,
    pub(super) position: Position,
    pub(super) interrupted: Vec<OpenRequest>,
    pub(super) next_number: u64,
}

#[derive(Deserialize)]
struct IdOnly {
    id: RequestId,
}

/// Reads all segments in order. Memory grows with the requests that are open, not with those that ended.
pub(super) fn scan(dir: &Path) -> io::Result<Found> {
    let mut numbers = Vec::new();
    let mut highest = 0;
    for item in fs::read_dir(dir)? {
        let path = item?.path();
        if let Some(number) = segment_number(&path) {
            numbers.push(number);
        }
        // A number is not used again while a damaged segment of that name is kept aside.
        highest = highest.max(segment_number(&path.with_extension("seg")).unwrap_or(0));
    }
    numbers.sort_unstable();
    let mut position = read_checkpoint(dir).unwrap_or(Position { number: 0, offset: 0 });
    highest = highest.max(position.number);

    let mut found = Scan::default();
    let mut segments = VecDeque::new();
    for number in numbers {
        let drained = match number.cmp(&position.number) {
            Ordering::Less => u64::MAX,
            Ordering::Equal => position.offset,
            Ordering::Greater => 0,
        };
        if let Some(segment) = found.segment(dir, number, drained)? {
            segments.push_back(segment);
        }
    }
    match segments.front() {
        Some(first) if first.number != position.number => {
            position = Position { number: first.number, offset: 0 };
        }
        _ => {}
    }
    let mut interrupted: Vec<OpenRequest> = found.open.into_values().collect();
    interrupted.sort_unstable_by_key(|open| open.id);
    found.replay.segments = segments.len() as u64;
    found.replay.interrupted = interrupted.len() as u64;
    Ok(Found { replay: found.replay, segments, position, interrupted, next_number: highest + 1 })
}

#[derive(Default)]
struct Scan {
    replay: Replay,
    open: HashMap<RequestId, OpenRequest>,
}

impl Scan {
    fn segment(&mut self, dir: &Path, number: u64, drained: u64) -> io::Result<Option<Segment>> {
        let path = segment_path(dir, number);
        let bytes = fs::read(&path)?;
        let mut segment =
            Segment { number, length: 0, undrained: 0, closed: true, damaged: false, lean: false };
        let mut at = 0;
        while at < bytes.len() {
            match entry::next(bytes.get(at..).unwrap_or_default()) {
                Next::Entry(frame) => {
                    let is_new = at as u64 >= drained;
                    at += frame.size;
                    if !self.entry(frame.kind, frame.payload) {
                        self.replay.corrupt += 1;
                        segment.damaged = true;
                    } else if frame.kind == Kind::Settled && is_new {
                        segment.undrained += 1;
                    }
                }
                Next::Incomplete { .. } | Next::Damaged => {
                    let Some(sound) = entry::resync(&bytes, at + 1) else {
                        self.replay.torn += 1;
                        tracing::warn!(
                            segment = number,
                            bytes = bytes.len() - at,
                            "the journal's last entry was torn: it is cut off"
                        );
                        fs::OpenOptions::new().write(true).open(&path)?.set_len(at as u64)?;
                        break;
                    };
                    self.replay.corrupt += 1;
                    segment.damaged = true;
                    at = sound;
                }
            }
        }
        segment.length = at as u64;
        self.replay.settled += segment.undrained;
        if at == 0 {
            fs::remove_file(&path)?;
            return Ok(None);
        }
        Ok(Some(segment))
    }

    /// Keeps the book of open requests; false if the payload can't be read.
    fn entry(&mut self, kind: Kind, payload: &[u8]) -> bool {
        match kind {
            Kind::Opened => match serde_json::from_slice::<OpenRequest>(payload) {
                Ok(open) => {
                    self.open.insert(open.id, open);
                    true
                }
                Err(_) => false,
            },
            Kind::Settled => match serde_json::from_slice::<IdOnly>(payload) {
                Ok(IdOnly { id }) => {
                    self.open.remove(&id);
                    true
                }
                Err(_) => false,
            },
        }
    }
}
