//! Connections by origin and proxy: idle ones of HTTP/1.1, the most recently used first, and those of HTTP/2,
//! which are here while they are used. One that is in use is never closed from here.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Mutex as Gate;

use super::h2::{Line, Slot};
use super::live::Live;
use super::route::Way;

/// A connection that has just served rests for so long. What a broken server says unasked comes right behind an
/// answer: until then it would be taken for the answer to the next request, whoever sent that.
const SETTLING: Duration = Duration::from_millis(2);

/// See the module's documentation.
pub(super) struct Pool {
    ways: Mutex<HashMap<Way, Kept>>,
    max_per_way: usize,
    keep: Duration,
}

/// What is kept for one way.
#[derive(Default)]
struct Kept {
    idle: Vec<Idle>,
    lines: Vec<Line>,
    /// The last connection was of HTTP/1.1.
    speaks_one: bool,
    gate: Option<Arc<Gate<()>>>,
}

struct Idle {
    live: Live,
    since: Instant,
}

/// A connection that can take a request.
pub(super) enum Ready {
    /// For one request; true if it had served before.
    Own(Live, bool),
    /// For one request of many.
    Shared(Slot),
}

impl Pool {
    pub(super) fn new(max_per_way: usize, keep: Duration) -> Self {
        Self { ways: Mutex::default(), max_per_way, keep }
    }

    /// A connection that still stands, as far as can be told without asking the server.
    pub(super) fn take(&self, way: &Way) -> Option<Ready> {
        loop {
            let mut idle = {
                let mut ways = self.ways.lock();
                let kept = ways.get_mut(way)?;
                if !kept.lines.is_empty() {
                    kept.lines.retain(|line| !line.is_closed());
                    if let Some(slot) = kept.lines.iter().find_map(Line::reserve) {
                        return Some(Ready::Shared(slot));
                    }
                }
                // Those at the end were used last.
                let settled = kept.idle.iter().rposition(|idle| idle.since.elapsed() >= SETTLING)?;
                kept.idle.remove(settled)
            };
            // An end that the server sent meanwhile is seen by driving the connection.
            let fresh = idle.since.elapsed() < self.keep;
            if fresh && idle.live.drive(&mut Context::from_waker(Waker::noop())) && idle.live.is_ready() {
                return Some(Ready::Own(idle.live, true));
            }
        }
    }

    /// Gives an idle connection back.
    pub(super) fn put(&self, way: &Way, live: Live) {
        let mut ways = self.ways.lock();
        let entry = Idle { live, since: Instant::now() };
        if let Some(kept) = ways.get_mut(way) {
            if kept.idle.len() < self.max_per_way {
                kept.idle.push(entry);
            }
        } else {
            ways.insert(way.clone(), Kept { idle: vec![entry], ..Kept::default() });
        }
    }

    /// Lets others use a connection for many.
    pub(super) fn share(&self, way: &Way, line: Line) {
        let mut ways = self.ways.lock();
        let kept = ways.entry(way.clone()).or_default();
        kept.speaks_one = false;
        kept.lines.push(line);
    }

    /// Remembers that this upstream speaks HTTP/1.1.
    pub(super) fn note_speaks_one(&self, way: &Way) {
        self.ways.lock().entry(way.clone()).or_default().speaks_one = true;
    }

    /// Where those queue who would connect: one connection may be enough for all of them. `None` if it is known
    /// that it is not.
    pub(super) fn gate(&self, way: &Way) -> Option<Arc<Gate<()>>> {
        let mut ways = self.ways.lock();
        let kept = ways.entry(way.clone()).or_default();
        (!kept.speaks_one).then(|| Arc::clone(kept.gate.get_or_insert_default()))
    }

    /// Closes what is idle and past its time, or was closed by the server.
    pub(super) fn sweep(&self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.ways.lock().retain(|_, kept| {
            kept.idle.retain_mut(|idle| idle.since.elapsed() < self.keep && idle.live.drive(&mut cx));
            kept.lines.retain(|line| !line.is_closed() && !line.is_quiet_for(self.keep));
            let is_asked_for = kept.gate.as_ref().is_some_and(|gate| Arc::strong_count(gate) > 1);
            !kept.idle.is_empty() || !kept.lines.is_empty() || is_asked_for
        });
    }

    pub(super) fn idle(&self) -> usize {
        let quiet =
            |kept: &Kept| kept.lines.iter().filter(|line| line.is_quiet() && !line.is_closed()).count();
        self.ways.lock().values().map(|kept| kept.idle.len() + quiet(kept)).sum()
    }
}
