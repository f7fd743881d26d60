//! What operators hear of at once.

use hub_lab::Behaviour;
use hub_testkit::Redis;
use hub_types::Dialect;
use serde_json::json;

use crate::failover::plays;
use crate::harness::client::Request;
use crate::harness::world::{ADMIN_TOKEN, Hub, PATIENCE, Setup, lab};
use crate::sessions::ring::named;

/// A figure of a hub's metrics; 0 while it is not there.
async fn figure(hub: &Hub, name: &str) -> u64 {
    let page = Request::get("/metrics").key(ADMIN_TOKEN).send(hub.address).await;
    let line = page.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    line.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_alerts_and_once() {
    let (redis, labs) = (Redis::start().await.unwrap(), [lab().await, lab().await]);
    let mut hubs = Vec::new();
    for _ in 0..2 {
        let mut setup = Setup::new().await;
        setup.set("REDIS_URL", redis.url());
        for (name, lab) in ["main", "other"].into_iter().zip(&labs) {
            setup.provider_for(Dialect::Claude, name, &lab.url(), json!({"failure_threshold": 1})).await;
        }
        let key = setup.member().await;
        hubs.push((setup.start().await, key));
    }
    plays(&labs[0], Behaviour { status: Some(500), ..Behaviour::default() });
    plays(&labs[1], Behaviour { status: Some(401), ..Behaviour::default() });
    let opened = r#"hub_alerts_total{kind="breaker_opened"}"#;
    let failing = r#"hub_alerts_total{kind="credential_failing"}"#;
    for round in 0..3 {
        for (at, (hub, key)) in hubs.iter().enumerate() {
            let reply = named(&format!("s-{round}-{at}")).key(&key.text).send(hub.address).await;
            assert_ne!(reply.status, 200);
            for name in ["main", "other"] {
                hub.forgive(name).await;
            }
        }
    }
    let told = async || {
        let mut sums = (0, 0);
        for (hub, _) in &hubs {
            sums.0 += figure(hub, opened).await;
            sums.1 += figure(hub, failing).await;
        }
        sums
    };
    let waiting = async {
        while told().await < (2, 1) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("both kinds come");
    for (hub, _) in &hubs {
        assert!(
            figure(hub, "hub_breaker_transitions_total{to=\"open\"}").await >= 2,
            "it opened again and again"
        );
    }
    assert_eq!(told().await, (2, 1), "one for each provider that opened, and one for the account");
}
