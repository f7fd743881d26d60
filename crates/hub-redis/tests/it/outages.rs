//! Up, killed, frozen, back again, and absent from the start.

use std::time::{Duration, Instant};

use hub_redis::{RedisConnection, RedisError, RedisHealth, RedisSettings, RedisUrl};
use hub_testkit::Redis;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_millis(200);
/// What a test machine may add to a bound that the code keeps.
const SLACK: Duration = Duration::from_millis(300);

async fn connect(redis: &Redis) -> RedisConnection {
    let url = RedisUrl::parse(&redis.url()).unwrap();
    RedisConnection::connect(&url, RedisSettings::default(), None).await.unwrap()
}

async fn becomes(connection: &RedisConnection, health: RedisHealth, within: Duration) {
    let mut changes = connection.health_changes();
    let reached = timeout(within, changes.wait_for(|now| *now == health)).await;
    assert!(reached.is_ok_and(|state| state.is_ok()), "not {health:?} within {within:?}");
}

#[tokio::test]
async fn with_redis_there_it_is_up_and_names_the_version() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    assert_eq!(connection.health(), RedisHealth::Up);
    connection.ping(DEADLINE).await.unwrap();
    let version = connection.server_version().await.unwrap();
    assert!(
        version.split('.').count() >= 2 && version.starts_with(|c: char| c.is_ascii_digit()),
        "{version}"
    );
    timeout(Duration::from_secs(2), connection.close()).await.unwrap();
}

#[tokio::test]
async fn killed_it_is_degraded_and_a_ping_fails_in_time_and_after_a_restart_it_is_up_within_two_seconds() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    redis.stop().await.unwrap();
    becomes(&connection, RedisHealth::Degraded, Duration::from_secs(2)).await;
    // Long enough for the pauses between attempts to have grown to their longest.
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let asked = Instant::now();
        connection.ping(DEADLINE).await.unwrap_err();
        assert!(asked.elapsed() < DEADLINE + SLACK, "{:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(connection.health(), RedisHealth::Degraded);
    redis.start_again().await.unwrap();
    becomes(&connection, RedisHealth::Up, Duration::from_secs(2)).await;
    connection.ping(DEADLINE).await.unwrap();
}

#[tokio::test]
async fn frozen_it_is_degraded_and_thawed_it_is_up() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    redis.freeze().unwrap();
    let asked = Instant::now();
    let error = connection.ping(DEADLINE).await.unwrap_err();
    assert!(matches!(error, RedisError::Timeout(_)), "{error}");
    assert!(asked.elapsed() < DEADLINE + SLACK, "{:?}", asked.elapsed());
    becomes(&connection, RedisHealth::Degraded, Duration::from_secs(2)).await;
    redis.thaw().unwrap();
    becomes(&connection, RedisHealth::Up, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn absent_at_the_start_it_connects_quickly_to_nothing_and_later_to_redis() {
    let redis = Redis::start().await.unwrap();
    redis.stop().await.unwrap();
    let asked = Instant::now();
    let connection = connect(&redis).await;
    assert!(asked.elapsed() < RedisSettings::default().connect_timeout + SLACK, "{:?}", asked.elapsed());
    assert_eq!(connection.health(), RedisHealth::Degraded);
    connection.server_version().await.unwrap_err();
    redis.start_again().await.unwrap();
    becomes(&connection, RedisHealth::Up, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn closing_without_redis_does_not_wait_for_it() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    redis.stop().await.unwrap();
    timeout(Duration::from_secs(2), connection.close()).await.unwrap();
}

#[tokio::test]
async fn an_address_with_tls_needs_a_tls_configuration() {
    let url = RedisUrl::parse("rediss://127.0.0.1:1").unwrap();
    let refused = RedisConnection::connect(&url, RedisSettings::default(), None).await;
    assert!(matches!(refused, Err(RedisError::TlsConfigMissing)));
}
