//! Idle connections by origin, the most recently used first.

use std::collections::HashMap;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Origin;
use super::live::Live;

/// See the module's documentation.
pub(super) struct Pool {
    idle: Mutex<HashMap<Origin, Vec<Idle>>>,
    max_per_origin: usize,
    keep: Duration,
}

struct Idle {
    live: Live,
    since: Instant,
}

impl Pool {
    pub(super) fn new(max_per_origin: usize, keep: Duration) -> Self {
        Self { idle: Mutex::default(), max_per_origin, keep }
    }

    /// A connection that still stands, as far as can be told without asking the server.
    pub(super) fn take(&self, origin: &Origin) -> Option<Live> {
        loop {
            let mut idle = self.idle.lock().get_mut(origin)?.pop()?;
            // An end that the server sent meanwhile is seen by driving the connection.
            let fresh = idle.since.elapsed() < self.keep;
            if fresh && idle.live.drive(&mut Context::from_waker(Waker::noop())) && idle.live.is_ready() {
                return Some(idle.live);
            }
        }
    }

    pub(super) fn put(&self, origin: &Origin, live: Live) {
        let mut idle = self.idle.lock();
        let entry = Idle { live, since: Instant::now() };
        if let Some(same) = idle.get_mut(origin) {
            if same.len() < self.max_per_origin {
                same.push(entry);
            }
        } else {
            idle.insert(origin.clone(), vec![entry]);
        }
    }

    /// Closes what is past its time or was closed by the server.
    pub(super) fn sweep(&self) {
        let mut cx = Context::from_waker(Waker::noop());
        self.idle.lock().retain(|_, same| {
            same.retain_mut(|idle| idle.since.elapsed() < self.keep && idle.live.drive(&mut cx));
            !same.is_empty()
        });
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.lock().values().map(Vec::len).sum()
    }
}
