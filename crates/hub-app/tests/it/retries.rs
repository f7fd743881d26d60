//! The same provider once more: when, how often, and when not.

use hub_lab::{Behaviour, Scenario};
use hub_management::view::{AttemptView, RequestDetailView};
use hub_types::{AttemptReason, Dialect, ErrorClass, Outcome, ProviderId};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::harness::client::Reply;
use crate::harness::find;
use crate::harness::world::{ME, Setup, lab};
use crate::sessions::ring::{Ring, named};

fn hang_up() -> Behaviour {
    Behaviour { no_head: Some(true), ..Behaviour::default() }
}

async fn pair(variables: &[(&'static str, &str)], first: Value) -> Ring {
    let mut fields = json!({"priority": 0});
    fields.as_object_mut().unwrap().extend(first.as_object().unwrap().clone());
    Ring::with(variables, json!({}), Dialect::Claude, &[fields, json!({"priority": 1})]).await
}

async fn recorded(ring: &Ring, reply: &Reply) -> RequestDetailView {
    ring.hub.record(reply.id()).await
}

type Step = (ProviderId, AttemptReason, Option<ErrorClass>);

fn steps(record: &RequestDetailView) -> Vec<Step> {
    let step = |attempt: &AttemptView| (attempt.provider_id.unwrap(), attempt.reason, attempt.class);
    record.attempts.iter().map(step).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_hangs_up_is_tried_once_more_after_a_short_pause() {
    let ring = pair(&[], json!({})).await;
    let (first, lab) = (ring.members[0].0, &ring.members[0].1);
    lab.set_scenario(Scenario::sequence([hang_up()]));
    let reply = ring.send(named("a")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let record = recorded(&ring, &reply).await;
    assert_eq!(
        steps(&record),
        [
            (first, AttemptReason::InitialSelection, Some(ErrorClass::Network)),
            (first, AttemptReason::RetryFailed, None)
        ]
    );
    let [failed, again] = record.attempts.as_slice() else { panic!() };
    let pause = again.queued_ms - failed.duration_ms;
    assert!((49..2000).contains(&pause), "{pause} ms");
    assert_ne!(failed.id, again.id, "each has a ledger line of its own");
    assert_eq!((failed.cost_usd, record.outcome), (None, Outcome::Completed));
    assert!(again.cost_usd.is_some());
    assert_eq!(ring.members[1].1.witness().totals().received, 0);
    // The session stays with it.
    let next = ring.served(named("a")).await;
    assert!(next.is_reuse() && next.provider() == first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_refused_connections_lead_to_the_next_provider_and_count_once() {
    let ring = pair(&[("ENABLE_CIRCUIT_BREAKER_ON_NETWORK_ERRORS", "true")], json!({})).await;
    let (first, second) = (ring.members[0].0, ring.members[1].0);
    ring.members[0].1.die().await;
    let reply = ring.send(named("a")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let record = recorded(&ring, &reply).await;
    assert_eq!(
        steps(&record),
        [
            (first, AttemptReason::InitialSelection, Some(ErrorClass::Network)),
            (first, AttemptReason::RetryFailed, Some(ErrorClass::Network)),
            (second, AttemptReason::Failover, None),
        ]
    );
    let gap = record.attempts[2].queued_ms - record.attempts[1].duration_ms;
    assert!(gap < 49, "nobody waits before another provider: {gap} ms");
    let health = ring.hub.management().provider_health(&ME, first).await.unwrap();
    assert_eq!(serde_json::to_value(health).unwrap()["failures"], 1, "one for each request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_provider_says_how_often_it_is_tried_again_and_other_providers_are_counted_apart() {
    for (retries, tries) in [(0, 1), (2, 3)] {
        let variables = [("MAX_RETRY_ATTEMPTS_DEFAULT", "1")];
        let ring = pair(&variables, json!({"max_retry_attempts": retries})).await;
        ring.members[0].1.die().await;
        let reply = ring.send(named("a")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let steps = steps(&recorded(&ring, &reply).await);
        assert_eq!(steps.len(), tries + 1, "{steps:?}");
        assert_eq!(steps[tries].0, ring.members[1].0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_carried_out_is_not_sent_to_the_same_provider_again() {
    let (setup, good) = (Setup::new().await, lab().await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let first = setup.provider_for(Dialect::Claude, "first", &url, json!({"priority": 0})).await;
    let second = setup.provider_for(Dialect::Claude, "second", &good.url(), json!({"priority": 1})).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    // A head, and nothing after it.
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let mut upstream = JoinSet::new();
    upstream.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut raw = Vec::new();
            while find(&raw, b"Hello").is_none() {
                assert!(socket.read_buf(&mut raw).await.unwrap() > 0);
            }
            socket.write_all(head).await.unwrap();
            socket.shutdown().await.unwrap();
        }
    });
    let reply = named("a").key(&key.text).send(hub.address).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(
        steps(&hub.record(reply.id()).await),
        [
            (first, AttemptReason::InitialSelection, Some(ErrorClass::Network)),
            (second, AttemptReason::Failover, None),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_failover_budget_bounds_further_tries_too() {
    let ring = pair(&[("FAILOVER_BUDGET_MS", "700")], json!({"max_retry_attempts": 10})).await;
    ring.members[0].1.die().await;
    ring.members[1].1.die().await;
    let reply = ring.send(named("a")).await;
    assert_eq!(reply.status, 502, "{}", reply.text());
    let record = recorded(&ring, &reply).await;
    let [.., last] = record.attempts.as_slice() else { panic!() };
    assert!(last.queued_ms < 750, "begun after {} ms", last.queued_ms);
    assert!((2..=13).contains(&record.attempts.len()), "{}", record.attempts.len());
}
