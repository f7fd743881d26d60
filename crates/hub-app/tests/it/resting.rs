//! The pick `least_recently_used`: in one instance, over two, and explained afterwards.

use std::time::Duration;

use hub_redis::{Batch, RedisConnection, RedisSettings, RedisUrl};
use hub_testkit::Redis;
use hub_types::{Dialect, ProviderId};
use serde_json::json;

use crate::harness::world::{ME, PATIENCE, Setup, lab};
use crate::sessions::ring::{Ring, named};

const RULE: (&str, &str) = ("PROVIDER_PICK", "least_recently_used");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_sessions_go_round_and_explain_says_why() {
    let fields = [json!({"weight": 1}), json!({"weight": 100}), json!({"weight": 5})];
    let ring = Ring::with(&[RULE], json!({}), Dialect::Claude, &fields).await;
    let mut order = Vec::new();
    for number in 0..9 {
        let served = ring.served(named(&format!("s-{number}"))).await;
        order.push(served.provider().0);
        let explained = ring.hub.management().explain_request(&ME, served.0.request.id).await.unwrap();
        let explained = serde_json::to_value(explained).unwrap();
        assert_eq!(explained["verdict"], "same", "{explained}");
        let candidates = explained["choices"][0]["candidates"].as_array().unwrap();
        let certain: Vec<_> = candidates.iter().filter(|one| one["probability_ppm"] == 1_000_000).collect();
        assert_eq!(
            (certain.len(), &certain[0]["provider_id"]),
            (1, &json!(served.provider().0)),
            "{explained}"
        );
        // Two in the same millisecond would be a tie.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(order, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
}

/// How often instances have asked Redis.
async fn exchanges(redis: &RedisConnection) -> u64 {
    let mut batch = Batch::new();
    batch.command("INFO", "commandstats", []);
    let answer = redis.run(batch).await.unwrap().remove(0).unwrap();
    let line = answer.text().unwrap().lines().find_map(|line| line.strip_prefix("cmdstat_hgetall:calls="));
    line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_alternate_over_two_providers() {
    let (redis, labs) = (Redis::start().await.unwrap(), [lab().await, lab().await]);
    let mut hubs = Vec::new();
    for _ in 0..2 {
        let mut setup = Setup::new().await;
        setup.set("REDIS_URL", redis.url());
        setup.set(RULE.0, RULE.1);
        for (name, lab) in ["a", "b"].into_iter().zip(&labs) {
            setup.provider_for(Dialect::Claude, name, &lab.url(), json!({})).await;
        }
        let key = setup.member().await;
        hubs.push((setup.start().await, key));
    }
    let url = RedisUrl::parse(&redis.url()).unwrap();
    let look = RedisConnection::connect(&url, RedisSettings::default(), None).await.unwrap();
    let mut order = Vec::new();
    for number in 0..6 {
        let (hub, key) = &hubs[number % 2];
        let reply = named(&format!("s-{number}")).key(&key.text).send(hub.address).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let provider: ProviderId = hub.record(reply.id()).await.request.provider_id.unwrap();
        order.push(provider.0);
        // By the time that six more exchanges have been, each instance has told and learnt.
        let before = exchanges(&look).await;
        let going = async {
            while exchanges(&look).await < before + 6 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, going).await.expect("instances exchange");
    }
    assert_eq!(order, [1, 2, 1, 2, 1, 2]);
}
