//! Three servers, each with a third of the keys.

use hub_circuit_breaker::{AlertThrottle, BreakerStore, Permission};
use hub_testkit::RedisCluster;
use hub_types::ProviderId;

use super::{connect, over};
use crate::contract::{CONFIG, FAILURE, at};

#[tokio::test]
async fn a_cluster_keeps_breakers_like_one_server() {
    let cluster = RedisCluster::start().await.unwrap();
    let connection = connect(&cluster.url()).await;
    let here = over(connection.clone());
    let there = over(connect(&cluster.url()).await);
    let throttle = AlertThrottle::shared(connection);
    let providers: Vec<_> = (1..=60).map(ProviderId).collect();
    let is_bad = |provider: ProviderId| provider.0 % 2 == 0;
    for provider in providers.iter().copied().filter(|id| is_bad(*id)) {
        for _ in 0..3 {
            here.record(provider, FAILURE, CONFIG, at(0)).await;
        }
        assert!(throttle.is_due(provider, at(0)).await);
    }
    there.refresh(&providers, at(1)).await;
    for provider in &providers {
        assert_eq!(there.health(*provider, CONFIG, at(1)).admits(), !is_bad(*provider), "{provider}");
    }
    for provider in providers.into_iter().filter(|id| is_bad(*id)) {
        let answers = [
            here.take_trial(provider, CONFIG, at(10)).await.permission,
            there.take_trial(provider, CONFIG, at(10)).await.permission,
        ];
        assert!(matches!(answers, [Permission::Trial(_), Permission::Refused]), "{answers:?}");
    }
}
