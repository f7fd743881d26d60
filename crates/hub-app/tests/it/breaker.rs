//! Circuit breakers and pauses through the whole hub: what counts against a provider, and what follows.

use hub_lab::Behaviour;
use hub_types::{Dialect, ErrorClass};
use serde_json::{Value, json};

use crate::failover::plays;
use crate::harness::client::Reply;
use crate::harness::world::ME;
use crate::sessions::ring::{Ring, named};

/// The first provider is better, and opens after three failures.
async fn pair(first: Value) -> Ring {
    let mut fields = json!({"priority": 0, "failure_threshold": 3, "open_duration_ms": 60_000});
    fields.as_object_mut().unwrap().extend(first.as_object().unwrap().clone());
    Ring::start(Dialect::Claude, &[fields, json!({"priority": 1})]).await
}

/// Each in a session of its own.
async fn ask(ring: &Ring, number: &mut u32) -> Reply {
    *number += 1;
    ring.send(named(&format!("session-{number}"))).await
}

async fn health(ring: &Ring, place: usize) -> Value {
    let view = ring.hub.management().provider_health(&ME, ring.members[place].0).await.unwrap();
    serde_json::to_value(view).unwrap()
}

fn received(ring: &Ring, place: usize) -> u64 {
    ring.members[place].1.witness().totals().received
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_again_and_again_is_left_alone() {
    let (ring, mut number) = (pair(json!({})).await, 0);
    for behaviour in [
        Behaviour { status: Some(500), ..Behaviour::default() },
        Behaviour::from_header("error_in_200; error_type=api_error; error_after=0").unwrap(),
        Behaviour::from_header("truncate_after=0; cut=clean").unwrap(),
    ] {
        plays(&ring.members[0].1, behaviour);
        assert_eq!(ask(&ring, &mut number).await.status, 200);
    }
    let view = health(&ring, 0).await;
    assert_eq!((&view["breaker"], &view["failures"]), (&json!("open"), &json!(3)), "{view}");
    assert!(view["reopens_at"].is_string());
    for _ in 0..10 {
        assert_eq!(ask(&ring, &mut number).await.status, 200);
    }
    assert_eq!(received(&ring, 0), 3, "nobody asks it any more");
    // Somebody gives it another chance.
    plays(&ring.members[0].1, Behaviour::default());
    ring.hub.management().reset_breaker(&ME, ring.members[0].0).await.unwrap();
    assert_eq!(ask(&ring, &mut number).await.status, 200);
    assert_eq!(received(&ring, 0), 4);
    assert_eq!(health(&ring, 0).await["breaker"], "closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_conversation_opens_nothing() {
    let (ring, mut number) = (pair(json!({})).await, 0);
    let hidden = "error_in_200; error_type=invalid_request_error; error_after=0";
    for (behaviour, status) in [
        (Behaviour { status: Some(400), ..Behaviour::default() }, 400),
        (Behaviour { status: Some(413), ..Behaviour::default() }, 413),
        (Behaviour::from_header(hidden).unwrap(), 200),
    ] {
        plays(&ring.members[0].1, behaviour);
        for _ in 0..100 {
            assert_eq!(ask(&ring, &mut number).await.status, status);
        }
    }
    let view = health(&ring, 0).await;
    assert_eq!((&view["breaker"], &view["failures"]), (&json!("closed"), &json!(0)), "{view}");
    assert_eq!(received(&ring, 0), 300, "it was asked every time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_leave_count_for_nothing() {
    let (ring, _) = (pair(json!({})).await, 0);
    plays(&ring.members[0].1, Behaviour::from_header("chunks=400; chunk_ms=20").unwrap());
    ring.edit(ring.members[0].0, json!({"on_client_abort": "cancel"})).await;
    for number in 0..5 {
        let body = crate::harness::speech::body(Dialect::Claude, true);
        let request = crate::harness::client::Request::post("/v1/messages", body)
            .header("x-session-id", format!("leaving-{number}"))
            .key(&ring.key.text);
        let reply = request.send_and_leave_after(ring.hub.address, b"content_block_delta").await;
        let record = ring.record(&reply).await;
        assert_eq!(record.0.attempts[0].class, Some(ErrorClass::ClientAbort));
    }
    assert_eq!(health(&ring, 0).await["failures"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn network_errors_count_only_where_they_are_asked_to() {
    for (setting, breaker) in [("false", "closed"), ("true", "open")] {
        let variables = [("ENABLE_CIRCUIT_BREAKER_ON_NETWORK_ERRORS", setting)];
        let fields = [json!({"priority": 0, "failure_threshold": 3}), json!({"priority": 1})];
        let ring = Ring::with(&variables, json!({}), Dialect::Claude, &fields).await;
        plays(&ring.members[0].1, Behaviour { no_head: Some(true), ..Behaviour::default() });
        let mut number = 0;
        for _ in 0..5 {
            assert_eq!(ask(&ring, &mut number).await.status, 200);
        }
        assert_eq!(health(&ring, 0).await["breaker"], breaker, "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_its_time_it_is_tried_one_request_at_a_time() {
    let (ring, mut number) = (pair(json!({"open_duration_ms": 1000})).await, 0);
    plays(&ring.members[0].1, Behaviour { status: Some(500), ..Behaviour::default() });
    for _ in 0..3 {
        assert_eq!(ask(&ring, &mut number).await.status, 200);
    }
    assert_eq!(health(&ring, 0).await["breaker"], "open");
    let until = |phase: &'static str| {
        let ring = &ring;
        async move {
            while health(ring, 0).await["breaker"] != phase {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    };
    tokio::time::timeout(crate::harness::world::PATIENCE, until("half-open")).await.unwrap();
    let before = received(&ring, 0);
    plays(&ring.members[0].1, Behaviour { latency_ms: Some(700), ..Behaviour::default() });
    let storm = (0..20).map(|at| ring.send(named(&format!("storm-{at}")))).collect::<Vec<_>>();
    let replies = futures_util::future::join_all(storm).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!(received(&ring, 0), before + 1, "one of twenty");
    // One more success, and it is in use again.
    plays(&ring.members[0].1, Behaviour::default());
    assert_eq!(ask(&ring, &mut number).await.status, 200);
    assert_eq!(health(&ring, 0).await["breaker"], "closed");
    let before = received(&ring, 0);
    for _ in 0..5 {
        assert_eq!(ask(&ring, &mut number).await.status, 200);
    }
    assert_eq!(received(&ring, 0), before + 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_asks_for_a_pause_gets_it() {
    for (behaviour, pause, counts) in [
        (Behaviour { status: Some(429), retry_after: Some(7), ..Behaviour::default() }, 7, 0),
        (Behaviour { status: Some(429), retry_after: Some(9000), ..Behaviour::default() }, 300, 0),
        (Behaviour { status: Some(529), ..Behaviour::default() }, 10, 1),
        (Behaviour { status: Some(401), ..Behaviour::default() }, 60, 1),
    ] {
        let (ring, mut number) = (pair(json!({})).await, 0);
        let status = behaviour.status;
        plays(&ring.members[0].1, behaviour);
        assert_eq!(ask(&ring, &mut number).await.status, 200);
        let view = health(&ring, 0).await;
        let until: jiff::Timestamp = view["paused_until"].as_str().unwrap().parse().unwrap();
        let left = until.duration_since(hub_types::Clock::now(&hub_types::SystemClock)).as_secs_f64();
        assert!((f64::from(pause) - 6.0..=f64::from(pause)).contains(&left), "{status:?}: {left} s");
        assert_eq!(view["failures"], counts, "{status:?}");
        for _ in 0..5 {
            assert_eq!(ask(&ring, &mut number).await.status, 200);
        }
        assert_eq!(received(&ring, 0), 1, "{status:?}: it is left alone");
        // With nobody else there, the client hears why.
        ring.edit(ring.members[1].0, json!({"is_enabled": false})).await;
        let reply = ask(&ring, &mut number).await;
        assert_eq!(reply.status, 503);
        assert!(reply.text().contains("the health stage left none"), "{}", reply.text());
        ring.hub.management().reset_breaker(&ME, ring.members[0].0).await.unwrap();
        plays(&ring.members[0].1, Behaviour::default());
        assert_eq!(ask(&ring, &mut number).await.status, 200);
    }
}
