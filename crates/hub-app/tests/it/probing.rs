//! Providers that are left alone are asked in the background whether they are back.

use std::time::Duration;

use hub_lab::Behaviour;
use hub_testkit::Redis;
use hub_types::Dialect;
use serde_json::json;

use crate::failover::plays;
use crate::harness::world::{Hub, ME, PATIENCE, Setup, lab};
use crate::sessions::ring::{Ring, named};

const SOON: [(&str, &str); 3] =
    [("ENABLE_SMART_PROBING", "true"), ("PROBE_INTERVAL_MS", "1000"), ("PROBE_TIMEOUT_MS", "2000")];

async fn breaker(hub: &Hub, id: hub_types::ProviderId) -> String {
    hub.management().provider_health(&ME, id).await.unwrap().breaker
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_back_is_tried_early_and_one_that_is_not_stays_alone() {
    let fields = json!({"failure_threshold": 1, "half_open_success_threshold": 1, "priority": 0});
    let ring =
        Ring::with(&SOON, json!({}), Dialect::Claude, &[fields.clone(), fields, json!({"priority": 1})])
            .await;
    let [(back, back_lab), (away, away_lab), _] = &ring.members[..] else { panic!("three") };
    for lab in [back_lab, away_lab] {
        plays(lab, Behaviour { status: Some(500), ..Behaviour::default() });
    }
    ring.served(named("a")).await;
    assert_eq!(
        (breaker(&ring.hub, *back).await, breaker(&ring.hub, *away).await),
        ("open".into(), "open".into())
    );
    until("both are asked", async || {
        [back_lab, away_lab].iter().all(|lab| lab.witness().totals().received >= 2)
    })
    .await;
    assert_eq!(
        (breaker(&ring.hub, *back).await, breaker(&ring.hub, *away).await),
        ("open".into(), "open".into())
    );
    plays(back_lab, Behaviour::default());
    until("it is half-open", async || breaker(&ring.hub, *back).await == "half-open").await;
    assert_eq!(breaker(&ring.hub, *away).await, "open");
    // The next request tries it, and it is in use again: half an hour before its time.
    assert_eq!(ring.served(named("b")).await.provider(), *back);
    assert_eq!(breaker(&ring.hub, *back).await, "closed");
    assert!(tokio::time::timeout(PATIENCE, ring.hub.shut_down()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_asks() {
    let (redis, lab) = (Redis::start().await.unwrap(), lab().await);
    let mut hubs = Vec::new();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut setup = Setup::new().await;
        for (name, value) in SOON {
            setup.set(name, value);
        }
        setup.set("REDIS_URL", redis.url());
        let fields = json!({"failure_threshold": 1});
        setup.provider_for(Dialect::Claude, "main", &lab.url(), fields).await;
        keys.push(setup.member().await);
        hubs.push(setup.start().await);
    }
    plays(&lab, Behaviour { status: Some(500), ..Behaviour::default() });
    let reply = named("a").key(&keys[0].text).send(hubs[0].address).await;
    assert_eq!(reply.status, 500, "{}", reply.text());
    let started = std::time::Instant::now();
    until("it is asked four times", async || lab.witness().totals().received >= 5).await;
    // Both alone would have asked eight times in this time.
    let rounds = started.elapsed().as_secs();
    assert!(rounds >= 3, "four probes took {rounds} s");
}
