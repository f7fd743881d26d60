//! The lines that operators look for.

use std::io::Write;
use std::sync::Arc;

use hub_circuit_breaker::{BreakerStore, Event, MemoryBreakerStore, Permission, Transition};
use jiff::Timestamp;
use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

use crate::contract::{CONFIG, FAILURE, P, SUCCESS};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// An opening, a trial, and the end of both.
async fn changes() -> Vec<Transition> {
    let store = MemoryBreakerStore::new();
    let at = |seconds: i64| Timestamp::from_second(1_772_368_200 + seconds).unwrap();
    let mut changes = Vec::new();
    for _ in 0..3 {
        changes.extend(store.record(P, FAILURE, CONFIG, at(-10)).await);
    }
    let answer = store.take_trial(P, CONFIG, at(0)).await;
    let Permission::Trial(trial) = answer.permission else { panic!("{answer:?}") };
    changes.extend(answer.transition);
    changes.extend(store.record(P, Event::Success { trial: Some(trial) }, CONFIG, at(1)).await);
    changes.extend(store.record(P, SUCCESS, CONFIG, at(2)).await);
    changes
}

#[tokio::test]
async fn each_change_is_one_line() {
    let changes = changes().await;
    assert_eq!(changes.iter().map(Transition::is_opening).collect::<Vec<_>>(), [true, false, false]);
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(log.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        for change in &changes {
            change.log("Main relay");
        }
    });
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let expected = [
        "WARN CircuitBreaker: The provider is left alone for a while provider=7 name=\"Main relay\" from=closed \
         to=open failures=3 reopens_at=2026-03-01T12:30:00Z",
        "INFO CircuitBreaker: The provider is tried again provider=7 name=\"Main relay\" from=open to=half-open \
         failures=3",
        "INFO CircuitBreaker: The provider is in use again provider=7 name=\"Main relay\" from=half-open to=closed \
         failures=3",
    ];
    assert_eq!(lines, expected);
}
