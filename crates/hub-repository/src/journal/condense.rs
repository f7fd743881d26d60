//! What gives way when the journal reaches its limit: first the details of the oldest requests, ledger lines last.

use std::fs::{self, File};
use std::io::{self, Write};

use hub_types::{ClientInfo, RequestRecord};

use super::entry::{self, Kind, Next};
use super::medium::segment_path;
use super::shelf::{Segment, Shelf};

/// Brings the journal back under its limit, as far as closed segments allow.
pub(super) fn enforce(shelf: &Shelf, max_bytes: u64) -> io::Result<()> {
    loop {
        let _files = shelf.files();
        let (victim, from) = {
            let books = shelf.books();
            let total: u64 = books.segments.iter().map(|segment| segment.length).sum();
            if total <= max_bytes {
                return Ok(());
            }
            let mut closed = books.segments.iter().filter(|segment| segment.closed);
            let oldest = closed.clone().next();
            let Some(victim) = closed.find(|segment| !segment.lean).or(oldest).cloned() else {
                return Ok(());
            };
            let from = if victim.number == books.position.number { books.position.offset } else { 0 };
            (victim, from)
        };
        if victim.lean { drop_segment(shelf, &victim, from)? } else { make_lean(shelf, &victim, from)? }
    }
}

/// Rewrites a closed segment with nothing in it but what the ledger needs. Openings fall away: those that are
/// still open stand again at the head of the next segment.
fn make_lean(shelf: &Shelf, victim: &Segment, from: u64) -> io::Result<()> {
    let path = segment_path(&shelf.dir, victim.number);
    let mut lean = Vec::new();
    let (mut kept, mut dropped, mut lines) = (0, 0, 0);
    let bytes = fs::read(&path)?;
    each_settled(&bytes, from, |record| {
        lines += record.ledger_lines().count() as u64;
        match ledger_only(record).and_then(|record| entry::encode(Kind::Settled, &record).ok()) {
            Some(entry) => {
                kept += 1;
                lean.extend_from_slice(&entry);
            }
            None => dropped += 1,
        }
    });
    if victim.damaged {
        // The original stays aside: damage is looked at by people.
        fs::copy(&path, path.with_extension("corrupt"))?;
    }
    let draft = path.with_extension("lean");
    let mut file = File::create(&draft)?;
    file.write_all(&lean)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    tracing::error!(
        segment = victim.number,
        kept,
        dropped,
        "the journal reached its limit: details of the oldest requests are given up, their {lines} ledger lines are kept"
    );
    let mut books = shelf.books();
    books.counters.dropped_details += kept + dropped;
    let is_read = books.position.number == victim.number;
    if is_read {
        books.position.offset = 0;
    }
    books.generation += 1;
    if let Some(segment) = books.segments.iter_mut().find(|segment| segment.number == victim.number) {
        *segment = Segment {
            length: lean.len() as u64,
            undrained: kept,
            lean: true,
            damaged: false,
            ..segment.clone()
        };
    }
    Ok(())
}

/// The last resort: the oldest segment goes altogether.
fn drop_segment(shelf: &Shelf, victim: &Segment, from: u64) -> io::Result<()> {
    let path = segment_path(&shelf.dir, victim.number);
    let mut lines = 0;
    each_settled(&fs::read(&path)?, from, |record| lines += record.ledger_lines().count() as u64);
    fs::remove_file(&path)?;
    tracing::error!(segment = victim.number, lines, "the journal reached its limit: ledger lines are lost");
    let mut books = shelf.books();
    books.counters.dropped_lines += lines;
    books.generation += 1;
    books.segments.retain(|segment| segment.number != victim.number);
    Ok(())
}

fn each_settled(bytes: &[u8], from: u64, mut visit: impl FnMut(RequestRecord)) {
    let mut at = usize::try_from(from).unwrap_or(usize::MAX);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if let Next::Entry(frame) = entry::next(rest) {
            at += frame.size;
            if frame.kind == Kind::Settled
                && let Ok(record) = serde_json::from_slice(frame.payload)
            {
                visit(record);
            }
        } else {
            match entry::resync(bytes, at + 1) {
                Some(sound) => at = sound,
                None => return,
            }
        }
    }
}

/// The record with everything taken out that no ledger line needs; `None` if it has no ledger line.
fn ledger_only(mut record: RequestRecord) -> Option<RequestRecord> {
    record.attempts.retain(|attempt| attempt.usage.is_some());
    record.ledger_lines().next()?;
    for attempt in &mut record.attempts {
        attempt.error = None;
        attempt.host = String::new();
        attempt.sent_model = None;
        attempt.upstream_model = None;
    }
    record.client = ClientInfo::default();
    record.client_address = None;
    record.error_message = None;
    record.session_id = None;
    record.stages = Vec::new();
    record.routing = None;
    record.loss = Vec::new();
    Some(record)
}
