//! Clients that leave while a store has done what it was asked, and its answer is still on the way: nothing that was
//! taken for them stays taken.

use std::sync::Arc;
use std::time::Duration;

use hub_circuit_breaker::{BreakerConfig, BreakerHealth, BreakerStore, Event, MemoryBreakerStore};
use hub_proxy::Gateway;
use hub_rate_limit::{Calendar, Known, Limits, MemoryLimits, MemoryRateLimiter, Owner, RateLimiter};
use hub_session::{MemorySessionStore, Sessions};
use hub_types::{Clock, Money, MoneyLimits, Provider, SystemClock};

use crate::gated::{Gate, GatedBreakers, GatedLimits, GatedSessions};
use crate::world::{KEY, PROVIDER, USER, ask, builder, provider, session};

const PATIENCE: Duration = Duration::from_secs(10);

/// Nobody listens there, and nobody is to be asked.
const NOWHERE: &str = "http://127.0.0.1:9";

/// A client asks, and leaves when an answer waits at the gate; that comes through afterwards.
async fn leave_at(gate: &Gate, gateway: &Gateway) {
    let leaving = async {
        tokio::select! {
            biased;
            answer = ask(gateway) => panic!("answered before the gate: {}", answer.status()),
            () = gate.is_reached() => {}
        }
    };
    tokio::time::timeout(PATIENCE, leaving).await.expect("the gate is reached");
    gate.open();
}

async fn until(holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to that");
}

async fn sessions_at_provider(sessions: &Sessions) -> u64 {
    let counts = sessions.store().count_at(&[PROVIDER], SystemClock.now()).await.unwrap();
    counts.get(&PROVIDER).copied().unwrap_or(0)
}

fn in_memory() -> MemorySessionStore {
    MemorySessionStore::new(hub_session::Limits::default())
}

#[tokio::test]
async fn a_trial_and_the_place_at_its_provider_are_given_back() {
    let gate = Gate::closed();
    let breakers = Arc::new(GatedBreakers(MemoryBreakerStore::new(), Arc::clone(&gate)));
    let sessions = Arc::new(Sessions::new(Arc::new(in_memory())));
    let failing = Provider { failure_threshold: 1, open_duration_ms: 1, ..provider(NOWHERE) };
    let config = BreakerConfig::from(&failing);
    breakers.record(PROVIDER, Event::Failure { trial: None }, config, SystemClock.now()).await;
    let health = || breakers.health(PROVIDER, config, SystemClock.now());
    until(async || health() == BreakerHealth::HalfOpen).await;
    let (builder, records) = builder([failing], MoneyLimits::default(), |_| {});
    let gateway = builder.breakers(Arc::clone(&breakers) as Arc<_>).sessions(Arc::clone(&sessions)).build();
    leave_at(&gate, &gateway).await;
    until(async || health() == BreakerHealth::HalfOpen).await;
    assert_eq!(gateway.finish(PATIENCE).await, 0);
    assert_eq!(health(), BreakerHealth::HalfOpen, "the trial is free for the next one");
    assert_eq!(sessions_at_provider(&sessions).await, 0);
    assert_eq!(records.lock().len(), 1);
}

#[tokio::test]
async fn a_place_at_a_provider_is_given_back() {
    let gate = Gate::closed();
    let store = Arc::new(GatedSessions(in_memory(), Arc::clone(&gate)));
    let sessions = Arc::new(Sessions::new(store));
    let limited = Provider { limit_concurrent_sessions: Some(1), ..provider(NOWHERE) };
    let (builder, _records) = builder([limited], MoneyLimits::default(), |_| {});
    let gateway = builder.sessions(Arc::clone(&sessions)).build();
    leave_at(&gate, &gateway).await;
    assert_eq!(sessions_at_provider(&sessions).await, 0);
}

#[tokio::test]
async fn what_was_reserved_is_given_back_and_the_session_has_nothing_in_flight() {
    let gate = Gate::closed();
    let calendar = Arc::new(Calendar::new(jiff::tz::TimeZone::UTC));
    let bounds = MemoryLimits { has_ledger: false, ..MemoryLimits::default() };
    let memory = MemoryRateLimiter::new(bounds, calendar, SystemClock.now());
    let limiter = Arc::new(GatedLimits(memory, Arc::clone(&gate)));
    let sessions = Arc::new(Sessions::new(Arc::new(in_memory())));
    let limits = MoneyLimits { limit_total_usd: Some("10".parse().unwrap()), ..MoneyLimits::default() };
    let (builder, records) = builder([provider(NOWHERE)], limits.clone(), |_| {});
    let gateway =
        builder.rate_limiter(Arc::clone(&limiter) as Arc<_>).sessions(Arc::clone(&sessions)).build();
    let reserved = async || {
        let limits = Limits { rpm: None, money: &limits, tokens: None };
        match limiter.usage(Owner::Key(USER, KEY), limits, SystemClock.now()).await {
            Ok(Known::Yes(windows)) => windows.first().map(|window| window.reserved),
            other => panic!("{other:?}"),
        }
    };
    let nothing = hub_rate_limit::Quantity::Money(Money::ZERO);
    let at_the_gate = async {
        gate.is_reached().await;
        assert_ne!(reserved().await, Some(nothing), "something is reserved");
    };
    tokio::select! {
        biased;
        answer = ask(&gateway) => panic!("{}", answer.status()),
        () = at_the_gate => {}
    }
    assert_eq!(reserved().await, Some(nothing));
    let seen = sessions.store().find(&session(), SystemClock.now()).await.unwrap();
    assert_eq!(seen.map(|seen| seen.in_flight), Some(0));
    assert_eq!(records.lock().len(), 1, "one record, however early it ends");
}
