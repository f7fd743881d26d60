//! When a request was handed to a connection, for whoever waits for its answer: what happens before that
//! (names, TCP, proxies, TLS) has a time limit of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Put into the extensions of a request, it says when that was handed to a connection. Clones say the same.
#[derive(Debug, Clone)]
pub struct Sent(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    /// Microseconds from the start, plus one; 0 = it has not been sent.
    after: AtomicU64,
}

impl Sent {
    /// Nothing is sent yet.
    pub fn new() -> Self {
        Self(Arc::new(Inner { start: Instant::now(), after: AtomicU64::new(0) }))
    }

    /// When it was sent. Of a request that had to be sent again, it is the last time.
    pub fn at(&self) -> Option<Instant> {
        let after = self.0.after.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.0.start + Duration::from_micros(after))
    }

    pub(super) fn mark(&self) {
        let after = u64::try_from(self.0.start.elapsed().as_micros()).unwrap_or(u64::MAX - 1);
        self.0.after.store(after.saturating_add(1), Ordering::Release);
    }
}

impl Default for Sent {
    fn default() -> Self {
        Self::new()
    }
}
