//! One alert for all instances, as long as they can ask each other.

use hub_circuit_breaker::AlertThrottle;
use hub_redis::RedisSettings;
use hub_testkit::Redis;
use hub_types::ProviderId;

use super::{ask, connect, connect_with};
use crate::contract::{P, at};
use hub_testkit::RedisDatabase;

#[tokio::test]
async fn whoever_comes_first_alerts_for_all() {
    let database = RedisDatabase::take().await.unwrap();
    let connection = connect(database.url()).await;
    let here = AlertThrottle::shared(connection.clone());
    let there = AlertThrottle::shared(connect(database.url()).await);
    assert!(here.is_due(P, at(0)).await);
    assert!(!there.is_due(P, at(1)).await);
    assert!(!here.is_due(P, at(2)).await);
    assert!(there.is_due(ProviderId(9), at(2)).await);
    let left = ask(&connection, "PTTL", "circuit_breaker:alert:7", &[]).await.int().unwrap();
    assert!((290_000..=300_000).contains(&left), "{left}");
    // As if its time were over.
    ask(&connection, "DEL", "circuit_breaker:alert:7", &[]).await;
    assert!(!here.is_due(P, at(299)).await);
    assert!(there.is_due(P, at(299)).await);
    assert!(!here.is_due(P, at(300)).await);
}

#[tokio::test]
async fn without_redis_each_instance_alerts_for_itself() {
    let redis = Redis::start().await.unwrap();
    let here = AlertThrottle::shared(connect_with(&redis.url(), RedisSettings::default()).await);
    let there = AlertThrottle::shared(connect(&redis.url()).await);
    redis.stop().await.unwrap();
    assert!(here.is_due(P, at(0)).await);
    assert!(!here.is_due(P, at(1)).await);
    assert!(there.is_due(P, at(1)).await);
}
