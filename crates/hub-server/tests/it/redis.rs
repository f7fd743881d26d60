//! The hub on PostgreSQL and Redis: a Redis that comes and goes is seen, and fails nothing.

use hub_lab::{Lab, LabConfig};
use hub_testkit::{Postgres, Redis};
use serde_json::json;

use crate::harness::{Connection, Hub, Site};

async fn ask(hub: &Hub, key: &str) -> u16 {
    let mut connection = Connection::open(hub.address).await.unwrap();
    let headers = format!("x-api-key: {key}\r\nconnection: close\r\n");
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "?"}]});
    connection.send("POST", "/v1/messages", &headers, &body.to_string()).await.unwrap();
    connection.read().await.unwrap().status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_degrades_the_hub_and_fails_no_request() {
    let database = Postgres::shared().await.unwrap().fresh_database().await.unwrap();
    let redis = Redis::start().await.unwrap();
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let site = Site::on(&database.dsn).with("REDIS_URL", &redis.url());
    let seeded = site.furnish(&lab.url()).await;
    let hub = site.start().await;

    hub.until_redis_is("up").await;
    assert_eq!(ask(&hub, &seeded.key).await, 200);
    redis.stop().await.unwrap();
    hub.until_redis_is("degraded").await;
    assert_eq!(ask(&hub, &seeded.key).await, 200);
    redis.start_again().await.unwrap();
    hub.until_redis_is("up").await;
    hub.stop().await;
    assert!(!site.log().contains("Redis is still in use"), "{}", site.log());
    assert_eq!(lab.witness().totals().answered, 2);
}
