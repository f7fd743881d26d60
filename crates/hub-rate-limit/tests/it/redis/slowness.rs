//! Redis with 200 ms for each answer: worse than none, unless it is left alone.

use std::time::{Duration, Instant};

use hub_rate_limit::RedisLimits;
use hub_testkit::{Redis, WireTap};

use super::traffic::{Traffic, instance, is_back, tell};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_redis_costs_nothing_once_the_gate_is_open() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let hubs = [instance(&format!("redis://{}", tap.address()), RedisLimits::default()).await];
    let traffic = Traffic::new("1000");
    assert_eq!(traffic.flow(&hubs, Duration::from_secs(1)).await.refused, 0);
    tap.set_delay(Duration::from_millis(205));
    let first = traffic.flow(&hubs, Duration::from_secs(1)).await;
    assert_eq!(first.refused, 0);
    assert!(hubs[0].connection.figures().is_open);
    let then = traffic.flow(&hubs, Duration::from_secs(3)).await;
    assert_eq!(then.refused, 0);
    tell("then", &then);
    tap.set_delay(Duration::ZERO);
    let start = Instant::now();
    let (back, ()) = tokio::join!(traffic.flow(&hubs, Duration::from_secs(2)), async {
        is_back(&hubs[0]).await;
        println!("back after {:?}", start.elapsed());
    });
    assert_eq!(back.refused, 0);
    traffic.check_sums(&hubs[0]).await;
    assert_eq!(hubs[0].limiter.shared().writes().lost, 0);
}
