//! How a connection stands: its gate, its health and its figures, which change together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::error::RedisError;
use crate::gate::{self, Change, Entry, Gate, Outcome};
use crate::health::RedisHealth;

/// What a connection has done since it was made, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisFigures {
    /// Batches that were to be sent; those that were skipped are not among them.
    pub batches: u64,
    /// The commands in them.
    pub commands: u64,
    /// How many of the batches were not answered in time.
    pub timeouts: u64,
    /// Batches that were not sent because Redis had been too slow before.
    pub skipped: u64,
    /// Is Redis being skipped at the moment?
    pub is_open: bool,
}

#[derive(Debug)]
pub(crate) struct Standing {
    gate: Mutex<Gate>,
    /// Who waited longer than this tells the gate that there was no answer.
    too_slow: Duration,
    health: watch::Sender<RedisHealth>,
    batches: AtomicU64,
    commands: AtomicU64,
    timeouts: AtomicU64,
    skipped: AtomicU64,
}

/// Somebody's way to Redis and back. Dropping it says that nobody waits for the answer any more.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    standing: &'a Standing,
    entry: Entry,
    began: Instant,
    outcome: Outcome,
}

impl Standing {
    /// How a connection stands at first whose commands may take `command_timeout`.
    pub(crate) fn new(health: RedisHealth, command_timeout: Duration) -> Self {
        Self {
            gate: Mutex::new(Gate::new()),
            too_slow: gate::too_slow(command_timeout),
            health: watch::Sender::new(health),
            batches: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            timeouts: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        }
    }

    pub(crate) fn health(&self) -> watch::Receiver<RedisHealth> {
        self.health.subscribe()
    }

    pub(crate) fn figures(&self) -> RedisFigures {
        RedisFigures {
            batches: self.batches.load(Ordering::Relaxed),
            commands: self.commands.load(Ordering::Relaxed),
            timeouts: self.timeouts.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            is_open: self.gate.lock().is_open(),
        }
    }

    /// A batch of so many commands is about to be sent.
    pub(crate) fn sends(&self, commands: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(u64::try_from(commands).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A batch has its answer, or has none.
    pub(crate) fn sent<T>(&self, answer: &Result<T, RedisError>) {
        if matches!(answer, Err(RedisError::Timeout(_))) {
            self.timeouts.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Somebody wants to go to Redis. `Err`: it is to be skipped.
    pub(crate) fn enter(&self) -> Result<Passage<'_>, RedisError> {
        let began = Instant::now();
        match self.gate.lock().enter(began) {
            Entry::Skip => {
                self.skipped.fetch_add(1, Ordering::Relaxed);
                Err(RedisError::Skipped)
            }
            entry => Ok(Passage { standing: self, entry, began, outcome: Outcome::Unknown }),
        }
    }

    /// A way through the open gate, if its pause is over and nobody else tries. Who comes with no request's
    /// time at stake should take it.
    pub(crate) fn trial(&self) -> Option<Passage<'_>> {
        let began = Instant::now();
        let entry = {
            let mut gate = self.gate.lock();
            if gate.is_open() { gate.enter(began) } else { Entry::Skip }
        };
        (entry == Entry::Trial).then_some(Passage { standing: self, entry, began, outcome: Outcome::Unknown })
    }

    /// The answer to a question after its health.
    pub(crate) fn heard(&self, answer: &Result<(), RedisError>) {
        // Held until health is set, so that it cannot contradict the gate.
        let gate = self.gate.lock();
        match answer {
            Ok(()) if !gate.is_open() => {
                if self.becomes(RedisHealth::Up) {
                    info!("Redis answers again");
                }
            }
            // The change was told when the gate opened.
            Ok(()) => {}
            Err(error) => {
                if self.becomes(RedisHealth::Degraded) {
                    warn!(%error, "Redis does not answer: going on without it");
                }
            }
        }
    }

    fn leave(&self, entry: Entry, began: Instant, outcome: Outcome) {
        let now = Instant::now();
        let is_late = outcome == Outcome::Answered && now.duration_since(began) > self.too_slow;
        let outcome = if is_late { Outcome::TooSlow } else { outcome };
        let mut gate = self.gate.lock();
        match gate.leave(entry, outcome, now) {
            Some(Change::Opened) if self.becomes(RedisHealth::Degraded) => {
                warn!("Redis is too slow: going on without it");
            }
            Some(Change::Closed) if self.becomes(RedisHealth::Up) => {
                info!("Redis answers in time again");
            }
            // Nothing new, or told already by whoever asked after its health.
            Some(Change::Opened | Change::Closed) | None => {}
        }
    }

    /// Is that a change?
    fn becomes(&self, health: RedisHealth) -> bool {
        self.health.send_if_modified(|state| std::mem::replace(state, health) != health)
    }
}

impl Passage<'_> {
    /// Back with an answer or without one.
    pub(crate) fn back<T>(mut self, answer: &Result<T, RedisError>) {
        self.outcome = match answer {
            Ok(_) => Outcome::Answered,
            Err(RedisError::Timeout(_)) => Outcome::TooSlow,
            Err(error) if error.is_answer() => Outcome::Answered,
            Err(_) => Outcome::Unknown,
        };
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.standing.leave(self.entry, self.began, self.outcome);
    }
}
