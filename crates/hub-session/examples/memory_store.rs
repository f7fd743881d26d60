//! What an entry of the session store in memory takes, and how long a look-up lasts:
//! `cargo run --release -p hub-session --example memory_store`. Linux only: it reads `/proc/self/statm`.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hub_session::{BindingChange, Limits, MemorySessionStore, SessionEnd, SessionStore, SessionUsage, Visit};
use hub_types::{Dialect, KeyId, Money, ProviderId, SessionId, UserId};
use jiff::Timestamp;

const ENTRIES: i64 = 100_000;
const PAGE: usize = 4096;

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * PAGE
}

/// The store in memory never waits.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

fn session(number: i64) -> SessionId {
    SessionId::new(KeyId(1000 + number % 100), &format!("{number:08x}-5f3c-4c1e-9d0a-{number:012x}"))
}

fn visit(session: &SessionId) -> Visit<'_> {
    Visit {
        session,
        routing: session,
        key: session.key(),
        user: UserId(session.key().0 / 10),
        key_limit: None,
        user_limit: None,
        dialect: Dialect::Claude,
        model: "claude-sonnet-4-5",
    }
}

fn one_request(store: &MemorySessionStore, session: &SessionId, now: Timestamp) {
    let provider = ProviderId(session.key().0 % 7);
    at_once(store.enter(&visit(session), now));
    at_once(store.take_slot(session, provider, None, now));
    let end = SessionEnd {
        session,
        routing: session,
        binding: BindingChange::Bind(provider),
        binding_ttl: Duration::from_secs(300),
        provider: Some(provider),
        status: 200,
        usage: SessionUsage { requests: 1, input_tokens: 1000, output_tokens: 50, cost: Money::default() },
        trail: None,
        answer: None,
    };
    store.leave(&end, now);
}

fn main() {
    let limits = Limits { max_entries: 100_000, ..Limits::default() };
    let now = Timestamp::UNIX_EPOCH;
    let before = resident();
    let store = MemorySessionStore::new(limits);
    let start = Instant::now();
    for number in 0..ENTRIES {
        one_request(&store, &session(number), now);
    }
    let filling = start.elapsed();
    let grown = resident().saturating_sub(before);
    let entries = store.sessions();
    println!("{entries} sessions: {} bytes each (resident)", grown / entries.max(1));
    println!("{} bytes each (by capacities)", store.footprint() / entries.max(1));
    println!("{:?} for a whole request: enter, slot, leave", filling / 100_000);

    // In an order that no cache foresees.
    let ids: Vec<_> = (0..ENTRIES).map(|number| session(number * 7919 % ENTRIES)).collect();
    let start = Instant::now();
    let found = ids.iter().filter(|id| matches!(at_once(store.find(id, now)), Some(Ok(Some(_))))).count();
    println!("{:?} for a look-up with its view ({found} found)", start.elapsed() / 100_000);
    let start = Instant::now();
    for id in &ids {
        at_once(store.enter(&visit(id), now));
    }
    println!("{:?} for an enter that finds its session and binding", start.elapsed() / 100_000);
    let start = Instant::now();
    at_once(store.sweep(now));
    println!("{:?} for a sweep over everything", start.elapsed());
}
