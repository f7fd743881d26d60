//! Who keeps to whom: the binding table, row by row, over real sockets.

use std::collections::HashSet;

use hub_lab::Behaviour;
use hub_types::{Dialect, ErrorClass};
use serde_json::json;

use super::ring::{Ring, named};
use crate::harness::client::Request;
use crate::harness::speech;
use crate::harness::world::{ME, witnessed};

fn failing() -> Behaviour {
    Behaviour { status: Some(500), ..Behaviour::default() }
}

/// Two providers; the first is asked first.
async fn pair() -> Ring {
    Ring::start(Dialect::Claude, &[json!({"priority": 0, "fail_back": "never"}), json!({"priority": 1})])
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_stays_with_its_provider_and_sessions_spread_over_all() {
    let ring = Ring::of(Dialect::Claude, 4).await;
    let mut used = HashSet::new();
    for session in 0..24 {
        let session = format!("session-{session}");
        let first = ring.served(named(&session)).await;
        used.insert(first.provider());
        for _ in 0..3 {
            let next = ring.served(named(&session)).await;
            assert_eq!(next.provider(), first.provider(), "{session}");
            assert!(next.is_reuse(), "{session}");
        }
    }
    assert_eq!(used.len(), 4, "24 sessions went to {used:?} only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_a_new_session_at_the_same_time_go_to_one_provider() {
    let ring = Ring::of(Dialect::Claude, 8).await;
    for session in 0..6 {
        let session = format!("new-{session}");
        // The title and the first turn.
        let (title, main) = tokio::join!(ring.served(named(&session)), ring.served(named(&session)));
        assert_eq!(title.provider(), main.provider(), "{session}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_moves_the_session_and_a_recovery_leaves_it_there() {
    let ring = pair().await;
    let (first, second) = (ring.members[0].0, ring.members[1].0);
    assert_eq!(ring.served(named("s")).await.provider(), first);
    ring.plays(first, failing());
    let moved = ring.served(named("s")).await;
    assert_eq!((moved.provider(), moved.0.attempts.len()), (second, 2));
    ring.plays(first, Behaviour::default());
    for _ in 0..3 {
        let served = ring.served(named("s")).await;
        assert_eq!((served.provider(), served.is_reuse()), (second, true));
    }
    assert_eq!(ring.served(named("another")).await.provider(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_returns_at_once_to_a_better_provider_that_says_so() {
    let ring = pair().await;
    let (first, second) = (ring.members[0].0, ring.members[1].0);
    ring.plays(first, failing());
    assert_eq!(ring.served(named("s")).await.provider(), second);
    ring.plays(first, Behaviour::default());
    assert_eq!(ring.served(named("s")).await.provider(), second);
    ring.edit(first, json!({"fail_back": "at_once"})).await;
    let back = ring.served(named("s")).await;
    assert_eq!((back.provider(), back.is_reuse()), (first, false));
    assert!(ring.served(named("s")).await.is_reuse(), "the return was bound");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_request_and_a_client_that_left_early_change_nothing() {
    let ring = pair().await;
    let (first, second) = (ring.members[0].0, ring.members[1].0);
    assert_eq!(ring.served(named("s")).await.provider(), first);
    // Everybody fails.
    ring.plays(first, failing());
    ring.plays(second, failing());
    let reply = ring.send(named("s")).await;
    assert_eq!(reply.status, 500);
    // The first fails, the second is slow, and the client does not wait. The hub does: it was paid for.
    ring.plays(second, Behaviour { first_chunk_ms: Some(700), ..Behaviour::default() });
    let body = speech::body(Dialect::Claude, true);
    let request = Request::post("/v1/messages", body)
        .header("x-claude-code-session-id", "s")
        .key(&ring.key.text)
        .lab_id("left");
    let reply = request.send_and_leave_after(ring.hub.address, b"\r\n\r\n").await;
    let left = ring.record(&reply).await;
    assert_eq!(left.0.attempts.last().unwrap().class, Some(ErrorClass::ClientAbort));
    ring.plays(first, Behaviour::default());
    ring.plays(second, Behaviour::default());
    let served = ring.served(named("s")).await;
    assert_eq!((served.provider(), served.is_reuse()), (first, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_left_in_mid_answer_is_bound_all_the_same() {
    let ring = Ring::of(Dialect::Claude, 6).await;
    let body = speech::body(Dialect::Claude, true);
    let request = Request::post("/v1/messages", body)
        .header("x-claude-code-session-id", "s")
        .key(&ring.key.text)
        .lab(r#"{"chunks": 40, "chunk_ms": 20}"#)
        .lab_id("left");
    let reply = request.send_and_leave_after(ring.hub.address, b"content_block_delta").await;
    let left = ring.record(&reply).await;
    let _ = witnessed(ring.lab(left.provider()), "left").await;
    let served = ring.served(named("s")).await;
    assert_eq!((served.provider(), served.is_reuse()), (left.provider(), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn editing_or_switching_off_a_provider_ends_its_bindings() {
    let edits = [
        json!({"is_enabled": false}),
        json!({"credential": "sk-another-credential"}),
        json!({"url": "http://localhost:1"}),
    ];
    for edit in edits {
        let ring = Ring::of(Dialect::Claude, 2).await;
        let bound = ring.served(named("s")).await.provider();
        ring.edit(bound, edit.clone()).await;
        // Back to what it was: a binding that had survived would be followed.
        let url = ring.lab(bound).url();
        ring.edit(bound, json!({"is_enabled": true, "url": url})).await;
        let served = ring.served(named("s")).await;
        assert!(!served.is_reuse(), "{edit}");
    }
    let ring = Ring::of(Dialect::Claude, 2).await;
    let bound = ring.served(named("s")).await.provider();
    ring.hub.management().delete_provider(&ME, bound).await.unwrap();
    ring.hub.app.catch_up().await;
    let served = ring.served(named("s")).await;
    assert_ne!(served.provider(), bound);
    // An edit that changes nothing about whose cache it is leaves bindings alone.
    ring.edit(served.provider(), json!({"weight": 7})).await;
    assert!(ring.served(named("s")).await.is_reuse());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_in_the_middle_of_a_request_is_not_undone_by_its_end() {
    let ring = Ring::of(Dialect::Claude, 2).await;
    let bound = ring.served(named("s")).await.provider();
    ring.plays(bound, Behaviour { latency_ms: Some(400), ..Behaviour::default() });
    let (late, ()) = tokio::join!(ring.served(named("s").lab_id("late")), async {
        assert!(
            ring.lab(bound)
                .witness()
                .wait_until(std::time::Duration::from_secs(10), |_| {
                    ring.lab(bound).witness().get("late").is_some()
                })
                .await
        );
        ring.edit(bound, json!({"credential": "sk-another-credential"})).await;
    });
    assert_eq!(late.provider(), bound);
    assert!(
        !ring.served(named("s")).await.is_reuse(),
        "the request that was on its way bound the session anew"
    );
}
