//! What operators hear of at once.

use std::time::Duration;

use hub_lab::Behaviour;
use hub_testkit::Redis;
use hub_types::Dialect;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failover::plays;
use crate::harness::client::Request;
use crate::harness::upstream::Upstream;
use crate::harness::world::{ADMIN_TOKEN, Hub, ME, PATIENCE, Setup, lab, object};
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
            tokio::time::sleep(Duration::from_millis(20)).await;
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

/// The bodies that came, as JSON.
fn received(at: &Upstream) -> Vec<Value> {
    at.bodies().iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_posts_to_the_webhook_and_once() {
    let (redis, lab) = (Redis::start().await.unwrap(), lab().await);
    let receiver = Upstream::answering("application/json", b"{}").await;
    let mut hubs = Vec::new();
    for _ in 0..2 {
        let mut setup = Setup::new().await;
        setup.set("REDIS_URL", redis.url());
        setup.provider_for(Dialect::Claude, "main", &lab.url(), json!({"failure_threshold": 1})).await;
        let key = setup.member().await;
        let hub = setup.start().await;
        let target = object(json!({"name": "ops", "url": receiver.url(), "events": ["breaker_opened"]}));
        hub.management().create_webhook_target(&ME, &target).await.unwrap();
        hubs.push((hub, key));
    }
    plays(&lab, Behaviour { status: Some(500), ..Behaviour::default() });
    for round in 0..2 {
        for (at, (hub, key)) in hubs.iter().enumerate() {
            named(&format!("s-{round}-{at}")).key(&key.text).send(hub.address).await;
            hub.forgive("main").await;
        }
    }
    until("the alert comes", || !received(&receiver).is_empty()).await;
    // What is refused the hub's account is not what this target hears of.
    plays(&lab, Behaviour { status: Some(401), ..Behaviour::default() });
    let failing = r#"hub_alerts_total{kind="credential_failing"}"#;
    let (hub, key) = &hubs[1];
    named("last").key(&key.text).send(hub.address).await;
    while figure(hub, failing).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (hub, _) in hubs {
        hub.shut_down().await;
    }
    let all = received(&receiver);
    assert_eq!(all.len(), 1, "{all:?}");
    let [alert] = &all[..] else { unreachable!() };
    assert_eq!(
        (&alert["event"], &alert["provider_name"], &alert["failures"]),
        (&json!("breaker_opened"), &json!("main"), &json!(1))
    );
    assert!(alert["reopens_at"].is_string() && alert["title"].as_str().unwrap().contains("main"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_target_gets_its_own_form_and_says_whether_it_took_it() {
    let hub = Setup::new().await.start().await;
    for (at, (kind, answer, ok, pointer)) in [
        ("json", "{}", true, "/text"),
        ("slack", "ok", true, "/text"),
        ("discord", "", true, "/content"),
        ("wecom", r#"{"errcode":0}"#, true, "/markdown/content"),
        ("wecom", r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, false, "/markdown/content"),
        ("feishu", r#"{"code":0}"#, true, "/content/text"),
        ("feishu", r#"{"code":19001}"#, false, "/content/text"),
        ("dingtalk", r#"{"errcode":0}"#, true, "/markdown/text"),
        ("dingtalk", "<html>", false, "/markdown/text"),
    ]
    .into_iter()
    .enumerate()
    {
        let receiver = Upstream::answering("text/plain", answer.as_bytes()).await;
        let url = format!("{}/hook?key=secret", receiver.url());
        let target = object(json!({"name": format!("t{at}"), "kind": kind, "url": url}));
        let made = hub.management().create_webhook_target(&ME, &target).await.unwrap();
        let tried = hub.management().test_webhook_target(&ME, made.id).await.unwrap();
        assert_eq!(tried.ok, ok, "{kind}: {tried:?}");
        assert!(!tried.message.contains("secret"), "{tried:?}");
        let bodies = received(&receiver);
        let text = bodies[0].pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert!(bodies.len() == 1 && text.contains("Alerts of this hub"), "{kind}: {bodies:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_target_does_not_take_is_tried_again() {
    let (setup, lab) = (Setup::new().await, lab().await);
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let busy = Upstream::at(busy, "503 Service Unavailable", "text/plain", "", b"");
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = Upstream::at(gone, "410 Gone", "text/plain", "", b"");
    setup.provider_for(Dialect::Claude, "main", &lab.url(), json!({"failure_threshold": 1})).await;
    let key = setup.member().await;
    let hub = setup.start().await;
    for (name, url) in [("busy", busy.url()), ("gone", gone.url())] {
        let target = object(json!({"name": name, "url": url}));
        hub.management().create_webhook_target(&ME, &target).await.unwrap();
    }
    plays(&lab, Behaviour { status: Some(500), ..Behaviour::default() });
    named("s").key(&key.text).send(hub.address).await;
    until("it is tried a third time", || busy.bodies().len() >= 3).await;
    assert_eq!(gone.bodies().len(), 1, "nobody takes anything there any more");
    assert!(tokio::time::timeout(PATIENCE, hub.shut_down()).await.is_ok(), "a pause holds nobody up");
}
