//! How many sessions talk at once.

use futures_util::future::join_all;
use hub_management::ListQuery;
use hub_types::Dialect;
use serde_json::{Value, json};

use super::ring::{Ring, named};
use crate::harness::client::{Reply, Request};
use crate::harness::speech;
use crate::harness::world::{ME, object};

const NEW: usize = 100;
const LIMIT: usize = 10;

/// Many sessions that nobody has seen before, all at the same time.
async fn storm(ring: &Ring, name: &str) -> Vec<Reply> {
    join_all((0..NEW).map(|at| ring.send(named(&format!("{name}-{at}"))))).await
}

fn passed(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status == 200).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_new_sessions_pass_as_the_key_may_have() {
    let limited = json!({"limit_concurrent_sessions": LIMIT});
    let ring = Ring::with(&[], limited, Dialect::Claude, &[json!({})]).await;
    let replies = storm(&ring, "new").await;
    assert_eq!(passed(&replies), LIMIT);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.status, 429, "{}", reply.text());
    }
    // Whoever is counted goes on, whoever is not stays out.
    let inside: Vec<usize> = (0..NEW).filter(|at| replies[*at].status == 200).collect();
    for at in inside {
        assert_eq!(ring.send(named(&format!("new-{at}"))).await.status, 200);
    }
    assert_eq!(ring.send(named("late")).await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_pass_as_the_user_may_have_over_all_keys() {
    let ring = Ring::of(Dialect::Claude, 1).await;
    let management = ring.hub.management();
    let owner = management.list_users(&ME, &ListQuery::default()).await.unwrap().items[0].id;
    management.update_user(&ME, owner, &object(json!({"limit_concurrent_sessions": LIMIT}))).await.unwrap();
    let other = management.create_key(&ME, owner, &object(json!({"name": "other"}))).await.unwrap().key;
    ring.hub.app.catch_up().await;
    let address = ring.hub.address;
    let replies = join_all((0..NEW).map(|at| {
        let key = if at % 2 == 0 { ring.key.text.clone() } else { other.clone() };
        async move { named(&format!("new-{at}")).key(&key).send(address).await }
    }))
    .await;
    assert_eq!(passed(&replies), LIMIT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_at_its_limit_hands_new_sessions_to_the_next_one() {
    let ring = Ring::start(
        Dialect::Claude,
        &[json!({"priority": 0, "limit_concurrent_sessions": LIMIT}), json!({"priority": 1})],
    )
    .await;
    let replies = storm(&ring, "new").await;
    assert_eq!(passed(&replies), NEW);
    let mut first = 0;
    for reply in &replies {
        let served = ring.record(reply).await;
        first += usize::from(served.provider() == ring.members[0].0);
        if served.provider() != ring.members[0].0 {
            let passed_over = &served.0.attempts[0];
            assert_eq!(passed_over.reason, hub_types::AttemptReason::ConcurrentLimitFailed);
            assert_eq!(passed_over.status, None);
        }
    }
    assert_eq!(first, LIMIT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_left_is_said_in_so_many_words() {
    let ring = Ring::start(Dialect::Claude, &[json!({"limit_concurrent_sessions": 1})]).await;
    assert_eq!(ring.send(named("one")).await.status, 200);
    let reply = ring.send(named("two")).await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("the health stage left none"), "{}", reply.text());
    assert_eq!(ring.send(named("one")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_comes_free_by_itself() {
    let limited = json!({"limit_concurrent_sessions": 1});
    let ring = Ring::with(&[("SESSION_TTL", "1")], limited, Dialect::Claude, &[json!({})]).await;
    assert_eq!(ring.send(named("one")).await.status, 200);
    let refused = ring.send(named("two")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    let waiting = async {
        while ring.send(named("two")).await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_speaks_the_dialect_and_says_when_to_come_back() {
    for dialect in Dialect::ALL {
        let ring = Ring::with(&[], json!({"limit_concurrent_sessions": 1}), dialect, &[json!({})]).await;
        let ask = |session: &str| {
            Request::post(speech::path(dialect, false), speech::body(dialect, false))
                .header("x-session-id", session)
        };
        assert_eq!(ring.send(ask("one")).await.status, 200);
        let reply = ring.send(ask("two")).await;
        assert_eq!(reply.status, 429, "{dialect}");
        let after: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        assert!((290..=301).contains(&after), "{dialect} {after}");
        assert_eq!(reply.header("x-ratelimit-limit"), Some("1"));
        assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
        assert!(reply.header("x-ratelimit-reset").unwrap().parse::<i64>().unwrap() > 1_700_000_000);
        let error: Value = reply.json()["error"].clone();
        assert_eq!(error["limit_type"], "concurrent_sessions", "{dialect} {error}");
        assert_eq!((&error["current"], &error["limit"]), (&json!(1), &json!(1)));
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("key \"laptop\" has 1 of 1 concurrent sessions"), "{message}");
        let kind = match dialect {
            Dialect::Claude => error["type"] == "rate_limit_error",
            Dialect::OpenAi | Dialect::Responses => error["code"] == "rate_limit_exceeded",
            Dialect::Gemini | Dialect::GeminiCli => error["status"] == "RESOURCE_EXHAUSTED",
        };
        assert!(kind, "{dialect} {error}");
        let record = ring.record(&reply).await;
        assert_eq!(record.0.request.error_code.as_deref(), Some("limit_reached"));
        assert!(record.0.attempts.is_empty());
    }
}
