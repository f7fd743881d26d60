//! The contract, held by the store in memory; and what is its own.

use std::sync::Arc;

use hub_circuit_breaker::{BreakerStore, MemoryBreakerStore, Permission, Phase};

use crate::contract::{CONFIG, FAILURE, P, Subject, at, contract};
use crate::history::{self, History};

struct InMemory(Arc<MemoryBreakerStore>);

impl Subject for InMemory {
    async fn fresh() -> Self {
        Self(Arc::new(MemoryBreakerStore::new()))
    }

    fn store(&self) -> Arc<dyn BreakerStore> {
        Arc::clone(&self.0) as _
    }
}

contract!(InMemory);

#[tokio::test]
async fn every_history_ends_as_the_machine_says() {
    let store = MemoryBreakerStore::new();
    for seed in 0..20_000 {
        history::compare(&store, &History::random(seed)).await;
    }
}

#[tokio::test]
async fn what_nothing_happens_to_for_a_day_is_forgotten() {
    let store = MemoryBreakerStore::new();
    for _ in 0..3 {
        store.record(P, FAILURE, CONFIG, at(0)).await;
    }
    let phase = async |seconds| store.list(&[(P, CONFIG)], at(seconds)).await[0].state.phase;
    store.sweep(at(24 * 3600 - 1)).await;
    assert_eq!(phase(0).await, Phase::Open);
    store.sweep(at(24 * 3600)).await;
    assert_eq!(phase(0).await, Phase::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_at_once_one_gets_the_trial() {
    let store = Arc::new(MemoryBreakerStore::new());
    for _ in 0..3 {
        store.record(P, FAILURE, CONFIG, at(0)).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.take_trial(P, CONFIG, at(10)).await });
    }
    let answers = tasks.join_all().await;
    let trials = answers.iter().filter(|answer| matches!(answer.permission, Permission::Trial(_)));
    assert_eq!(trials.count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.transition.is_some()).count(), 1);
}
