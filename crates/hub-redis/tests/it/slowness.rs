//! A Redis that is there and does not answer: it costs three time-outs, and then nothing.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hub_redis::{RedisConnection, RedisError, RedisFigures, RedisHealth, RedisSettings};
use hub_testkit::{Redis, RedisCluster, WireTap};
use tokio::time::timeout;

use crate::support::{LONG, connect_to, get, good, silent};

const DEADLINE: Duration = Duration::from_millis(200);
/// What a test machine may add to a bound that the code keeps.
const SLACK: Duration = Duration::from_millis(300);

/// Three time-outs, and no more.
async fn time_out_three_times(connection: &RedisConnection) {
    for _ in 0..3 {
        let asked = Instant::now();
        let error = connection.run(get("key")).await.unwrap_err();
        assert!(matches!(error, RedisError::Timeout(of) if of == DEADLINE), "{error}");
        assert!(asked.elapsed() < DEADLINE + SLACK, "{:?}", asked.elapsed());
    }
}

/// The median is compared, so that one preemption of the test is no failure.
async fn is_skipped_at_once(connection: &RedisConnection) {
    let mut times = Vec::new();
    for _ in 0..21 {
        let asked = Instant::now();
        let error = connection.run(get("key")).await.unwrap_err();
        times.push(asked.elapsed());
        assert!(matches!(error, RedisError::Skipped), "{error}");
    }
    times.sort_unstable();
    assert!(times[10] < Duration::from_millis(5), "{times:?}");
}

async fn answers_again(connection: &RedisConnection) {
    let until = Instant::now() + LONG;
    while connection.run(get("key")).await.is_err() {
        assert!(Instant::now() < until, "Redis is not used again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn after_three_time_outs_a_frozen_redis_costs_nothing_and_thawed_it_is_used_again() {
    let redis = Redis::start().await.unwrap();
    // No signs of life: the gate alone decides.
    let connection = connect_to(&redis.url(), RedisSettings { command_timeout: DEADLINE, ..silent() }).await;
    good(connection.run(get("key")).await.unwrap());
    redis.freeze().unwrap();
    time_out_three_times(&connection).await;
    assert_eq!(connection.health(), RedisHealth::Degraded);
    is_skipped_at_once(&connection).await;
    let expected = RedisFigures { batches: 4, commands: 4, timeouts: 3, skipped: 21, is_open: true };
    assert_eq!(connection.figures(), expected);
    redis.thaw().unwrap();
    answers_again(&connection).await;
    assert_eq!(connection.health(), RedisHealth::Up);
    assert!(!connection.figures().is_open);
}

#[tokio::test]
async fn of_many_at_once_a_single_one_tries_after_the_pause_and_the_others_are_skipped() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let settings = RedisSettings { command_timeout: DEADLINE, ..silent() };
    let connection = connect_to(&format!("redis://{}", tap.address()), settings).await;
    // Slower than the deadline, and not silent for so long that the connection would be given up.
    tap.set_delay(Duration::from_millis(600));
    time_out_three_times(&connection).await;
    is_skipped_at_once(&connection).await;
    let paused = Instant::now();
    let round = loop {
        let round = join_all((0..50).map(|_| connection.run(get("key")))).await;
        if round.iter().any(|answer| !matches!(answer, Err(RedisError::Skipped))) {
            break round;
        }
        assert!(paused.elapsed() < LONG, "nobody tries");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(paused.elapsed() > Duration::from_millis(900), "{:?}", paused.elapsed());
    let tried = round.iter().filter(|answer| matches!(answer, Err(RedisError::Timeout(_)))).count();
    assert_eq!(tried, 1, "{round:?}");
    is_skipped_at_once(&connection).await;
    // Maintenance is not kept out by the gate.
    good(connection.run_for(get("key"), LONG).await.unwrap());
    assert!(connection.figures().is_open);
    tap.set_delay(Duration::ZERO);
    answers_again(&connection).await;
}

#[tokio::test]
async fn answers_just_in_time_count_as_none_until_one_comes_soon() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let settings = RedisSettings { command_timeout: Duration::from_secs(1), ..silent() };
    let connection = connect_to(&format!("redis://{}", tap.address()), settings).await;
    tap.set_delay(Duration::from_millis(800));
    for _ in 0..3 {
        let _ = connection.run(get("key")).await;
    }
    let figures = connection.figures();
    assert!(figures.is_open);
    // None, but for a test machine that stalls.
    assert!(figures.timeouts < 3, "{figures:?}");
    is_skipped_at_once(&connection).await;
    let until = Instant::now() + LONG;
    // The one who tries has an answer, and that is late again.
    while connection.run(get("key")).await.is_err() {
        assert!(Instant::now() < until, "nobody tries");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(connection.figures().is_open);
    tap.set_delay(Duration::ZERO);
    answers_again(&connection).await;
    assert!(!connection.figures().is_open);
}

#[tokio::test]
async fn a_trial_that_its_caller_gives_up_makes_room_for_the_next() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), RedisSettings { command_timeout: DEADLINE, ..silent() }).await;
    redis.freeze().unwrap();
    time_out_three_times(&connection).await;
    let until = Instant::now() + LONG;
    while timeout(Duration::from_millis(20), connection.run(get("key"))).await.is_ok() {
        assert!(Instant::now() < until, "nobody tries");
    }
    assert!(connection.figures().is_open);
    redis.thaw().unwrap();
    answers_again(&connection).await;
}

#[tokio::test]
async fn without_any_request_the_signs_of_life_find_out_that_it_is_fast_again() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), RedisSettings::default()).await;
    redis.freeze().unwrap();
    join_all((0..3).map(|_| connection.run(get("key")))).await;
    assert!(connection.figures().is_open);
    assert_eq!(connection.health(), RedisHealth::Degraded);
    redis.thaw().unwrap();
    let mut changes = connection.health_changes();
    timeout(LONG, changes.wait_for(|now| *now == RedisHealth::Up)).await.unwrap().unwrap();
    assert!(!connection.figures().is_open);
    good(connection.run(get("key")).await.unwrap());
}

#[tokio::test]
async fn a_cluster_with_a_frozen_or_a_dead_node_never_holds_a_batch_longer_than_its_time() {
    let cluster = RedisCluster::start().await.unwrap();
    let settings = RedisSettings { command_timeout: DEADLINE, ..silent() };
    let connection = connect_to(&cluster.url(), settings).await;
    // `foo` is the last node's.
    good(connection.run(get("foo")).await.unwrap());
    cluster.freeze(2).unwrap();
    let mut slow = 0;
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let asked = Instant::now();
        connection.run(get("foo")).await.unwrap_err();
        assert!(asked.elapsed() < DEADLINE + SLACK, "{:?}", asked.elapsed());
        slow += u32::from(asked.elapsed() > DEADLINE / 2);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(slow <= 6, "{slow} batches waited in three seconds");
    cluster.thaw(2).unwrap();
    answers_again(&connection).await;

    cluster.stop(2).await.unwrap();
    let until = Instant::now() + Duration::from_secs(3);
    let mut slow = 0;
    while Instant::now() < until {
        let asked = Instant::now();
        connection.run(get("foo")).await.unwrap_err();
        assert!(asked.elapsed() < DEADLINE + SLACK, "{:?}", asked.elapsed());
        slow += u32::from(asked.elapsed() > DEADLINE / 2);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(slow <= 6, "{slow} batches waited in three seconds");
    cluster.start_again(2).await.unwrap();
    answers_again(&connection).await;
}
