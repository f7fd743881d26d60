//! Many at once, over two instances: one trial, one transition, one alert; and what a request costs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hub_circuit_breaker::{
    AlertThrottle, BreakerHealth, BreakerStore, Event, FallbackBreakerStore, Permission, Phase,
};
use hub_redis::RedisSettings;
use hub_testkit::WireTap;
use hub_types::ProviderId;
use tokio::task::JoinSet;

use super::{connect, connect_with, listed, over, patient};
use crate::contract::{CONFIG, FAILURE, P, SUCCESS, at};
use hub_testkit::RedisDatabase;

async fn two(database: &RedisDatabase) -> [Arc<FallbackBreakerStore>; 2] {
    [Arc::new(over(connect(database.url()).await)), Arc::new(over(connect(database.url()).await))]
}

async fn a_hundred<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    stores: &[Arc<FallbackBreakerStore>; 2],
    work: impl Fn(Arc<FallbackBreakerStore>) -> F,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        tasks.spawn(work(Arc::clone(&stores[number % 2])));
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_at_two_instances_one_gets_the_trial_again_and_again() {
    let database = RedisDatabase::take().await.unwrap();
    let stores = two(&database).await;
    for _ in 0..3 {
        stores[0].record(P, FAILURE, CONFIG, at(0)).await;
    }
    for round in 0..20 {
        let seconds = 10 + round;
        for store in &stores {
            store.refresh(&[P], at(seconds)).await;
        }
        let take = move |store: Arc<FallbackBreakerStore>| async move {
            store.take_trial(P, CONFIG, at(seconds)).await
        };
        let answers = a_hundred(&stores, take).await;
        let trials: Vec<_> = answers
            .iter()
            .filter_map(|answer| match answer.permission {
                Permission::Trial(trial) => Some(trial),
                Permission::Refused => None,
                Permission::Free => panic!("free in round {round}"),
            })
            .collect();
        assert_eq!(trials.len(), 1, "round {round}");
        let told = answers.iter().filter(|answer| answer.transition.is_some()).count();
        assert_eq!(told, usize::from(round == 0), "round {round}");
        stores[1].record(P, Event::TrialGivenBack { trial: trials[0] }, CONFIG, at(seconds)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_failures_at_two_instances_one_opens_and_one_alert_is_due() {
    let database = RedisDatabase::take().await.unwrap();
    let stores = two(&database).await;
    let failures =
        a_hundred(&stores, |store| async move { store.record(P, FAILURE, CONFIG, at(0)).await }).await;
    let opened: Vec<_> = failures.into_iter().flatten().collect();
    assert_eq!(opened.len(), 1);
    assert_eq!((opened[0].from, opened[0].to, opened[0].failures), (Phase::Closed, Phase::Open, 3));
    let throttles = [
        AlertThrottle::shared(connect(database.url()).await),
        AlertThrottle::shared(connect(database.url()).await),
    ];
    let due = join_all((0..100).map(|number| throttles[number % 2].is_due(P, at(0)))).await;
    assert_eq!(due.into_iter().filter(|is_due| *is_due).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_successes_in_half_open_close_once() {
    let database = RedisDatabase::take().await.unwrap();
    let stores = two(&database).await;
    for _ in 0..3 {
        stores[0].record(P, FAILURE, CONFIG, at(0)).await;
    }
    for store in &stores {
        store.refresh(&[P], at(10)).await;
    }
    let successes =
        a_hundred(&stores, |store| async move { store.record(P, SUCCESS, CONFIG, at(10)).await }).await;
    let closed = successes.into_iter().flatten().filter(|change| change.to == Phase::Closed).count();
    assert_eq!(closed, 1);
    assert_eq!(listed(stores[0].as_ref(), P, 11).await.phase, Phase::Closed);
}

#[tokio::test]
async fn a_request_costs_one_round_trip_at_most() {
    let redis = hub_testkit::Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let settings = RedisSettings { watch_interval: Duration::from_secs(3600), ..patient() };
    let store = over(connect_with(&format!("redis://{}", tap.address()), settings).await);
    let providers: Vec<_> = (1..=20).map(ProviderId).collect();
    // The script is known from then on.
    store.record(P, FAILURE, CONFIG, at(0)).await;
    tap.set_delay(Duration::from_millis(50));
    let cost = async |work: &dyn Fn() -> futures_util::future::BoxFuture<'static, ()>| {
        let before = tap.round_trips();
        work().await;
        tap.round_trips() - before
    };
    let store = Arc::new(store);
    let refresh = |seconds, millis| {
        let (store, providers) = (Arc::clone(&store), providers.clone());
        move || {
            let (store, providers) = (Arc::clone(&store), providers.clone());
            let now = at(seconds) + jiff::SignedDuration::from_millis(millis);
            Box::pin(async move { store.refresh(&providers, now).await }) as _
        }
    };
    assert_eq!(cost(&refresh(1, 0)).await, 1);
    // Just asked.
    assert_eq!(cost(&refresh(1, 250)).await, 0);
    assert_eq!(cost(&refresh(1, 251)).await, 1);
    let other = ProviderId(9);
    let record = |event| {
        let store = Arc::clone(&store);
        move || {
            let store = Arc::clone(&store);
            let now = at(1) + jiff::SignedDuration::from_millis(251);
            Box::pin(async move {
                store.record(other, event, CONFIG, now).await;
            }) as _
        }
    };
    assert_eq!(cost(&record(SUCCESS)).await, 0);
    assert_eq!(cost(&record(FAILURE)).await, 1);
    assert_eq!(cost(&record(SUCCESS)).await, 1);
    let take = || {
        let store = Arc::clone(&store);
        Box::pin(async move {
            store.take_trial(other, CONFIG, at(1)).await;
        }) as _
    };
    assert_eq!(cost(&take).await, 0);
    assert_eq!(store.health(other, CONFIG, at(1)), BreakerHealth::Closed);
}
