//! A connection for many requests, as its users see it: slots on it, as many as the peer allows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedMutexGuard};

use super::{Fresh, driver};
use crate::Tasks;

/// The pool's hold on a connection. The connection ends when this and all slots are gone.
pub(in super::super) struct Line(Arc<Inner>);

struct Inner {
    sender: SendRequest<Bytes>,
    pulse: Arc<Pulse>,
}

/// What the connection's task and its users tell each other.
#[derive(Default)]
pub(super) struct Pulse {
    slots: AtomicUsize,
    served: AtomicBool,
    /// The peer has said how many streams it takes.
    pub(super) is_settled: AtomicBool,
    /// No more requests; those that are running go on.
    pub(super) is_closed: AtomicBool,
    /// A ping is late: better not to begin anything on it.
    pub(super) is_doubtful: AtomicBool,
    quiet_since: Mutex<Option<Instant>>,
    /// Told when the last slot is given back.
    pub(super) quiet: Notify,
}

impl Pulse {
    pub(super) fn is_quiet(&self) -> bool {
        self.slots.load(Ordering::SeqCst) == 0
    }
}

/// The right to one exchange.
pub(in super::super) struct Slot {
    line: Arc<Inner>,
    /// Had the connection served before?
    pub(in super::super) reused: bool,
    /// Was it idle until now? Then it may have been closed unnoticed.
    pub(super) was_idle: bool,
}

impl Line {
    /// Starts to drive a connection. `gate` opens once the peer has said how many streams it takes.
    pub(in super::super) fn open(
        fresh: Fresh,
        gate: Option<OwnedMutexGuard<()>>,
        ping_after: Duration,
        tasks: &Tasks,
    ) -> (Self, Slot) {
        let pulse = Arc::new(Pulse::default());
        let line = Self(Arc::new(Inner { sender: fresh.sender, pulse: Arc::clone(&pulse) }));
        let slot = line.occupy();
        tasks.spawn(driver::drive(fresh.connection, pulse, gate, ping_after, tasks.stop_signal().clone()));
        (line, slot)
    }

    /// A slot, if there is room for one more.
    pub(in super::super) fn reserve(&self) -> Option<Slot> {
        let Inner { sender, pulse } = &*self.0;
        if !pulse.is_settled.load(Ordering::SeqCst) || pulse.is_doubtful.load(Ordering::SeqCst) {
            return None;
        }
        let slot = self.occupy();
        // Looked at after the slot is counted: the driver looks the other way round.
        let fits = pulse.slots.load(Ordering::SeqCst) <= sender.current_max_send_streams();
        (fits && !self.is_closed()).then_some(slot)
    }

    fn occupy(&self) -> Slot {
        let pulse = &self.0.pulse;
        let was_idle = pulse.slots.fetch_add(1, Ordering::SeqCst) == 0;
        let reused = pulse.served.swap(true, Ordering::SeqCst);
        Slot { line: Arc::clone(&self.0), reused, was_idle }
    }

    pub(in super::super) fn is_closed(&self) -> bool {
        self.0.pulse.is_closed.load(Ordering::SeqCst)
    }

    /// Is nobody using it?
    pub(in super::super) fn is_quiet(&self) -> bool {
        self.0.pulse.is_quiet()
    }

    /// Has nobody used it for so long?
    pub(in super::super) fn is_quiet_for(&self, time: Duration) -> bool {
        self.is_quiet() && self.0.pulse.quiet_since.lock().is_some_and(|since| since.elapsed() >= time)
    }
}

impl Slot {
    pub(super) fn sender(&self) -> SendRequest<Bytes> {
        self.line.sender.clone()
    }

    /// Nobody else is to use this connection.
    pub(super) fn retire(&self) {
        self.line.pulse.is_closed.store(true, Ordering::SeqCst);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let pulse = &self.line.pulse;
        if pulse.slots.fetch_sub(1, Ordering::SeqCst) == 1 {
            *pulse.quiet_since.lock() = Some(Instant::now());
            pulse.quiet.notify_one();
        }
    }
}
