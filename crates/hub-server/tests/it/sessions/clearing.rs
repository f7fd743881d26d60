//! `hub-admin clear-bindings` while hubs serve.

use std::process::Output;
use std::time::Duration;

use hub_lab::{Lab, LabConfig};
use hub_testkit::Redis;
use serde_json::{Value, json};

use super::store::Store;
use super::town::{Request, Served, Town};
use crate::harness::{Admin, Connection, Site, eventually};

const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than a clearing takes.
const SLOW: &str = "first_chunk_ms=9000";

fn report(output: &Output) -> Value {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cleared_on_the_stores_is_chosen_anew_by_both_hubs_and_does_not_come_back() {
    let redis = Redis::start().await.unwrap();
    let (town, store) = (Town::of(&redis.url(), 4).await, Store::at(&redis.url()).await);
    let mut bound: Vec<Served> = Vec::new();
    let requests: Vec<Request> = (0..8)
        .map(|number| Request::named(&format!("s-{number}")))
        .chain((0..4).map(|number| Request::turn(&format!("conversation {number}"), 1)))
        .collect();
    for (number, request) in requests.iter().enumerate() {
        let first = town.served(number % 2, request).await;
        store.until_bound(first.session(), first.provider()).await;
        bound.push(first);
    }
    // On their way at both hubs when it happens: one of a session that is bound, one of a new session.
    let known = town.served(0, &Request::named("known")).await;
    store.until_bound(known.session(), known.provider()).await;
    let on_their_way = [("known", 1), ("new", 0)];
    let mut waiting = Vec::new();
    for (session, hub) in on_their_way {
        let request = Request::named(session).lab(SLOW).header("x-lab-id", session);
        waiting.push(town.begin(hub, &request).await);
        let arrived = async || town.whereabouts().contains_key(session).then_some(());
        eventually("the slow request is with its provider", PATIENCE, arrived).await;
    }

    let arguments = ["--json", "clear-bindings", "--type", "claude", "--yes"];
    let began = std::time::Instant::now();
    let report = report(&town.sites[0].administer(&arguments).await);
    println!("the clearing took {:?}", began.elapsed());
    let labs = || town.providers.iter().map(|(_, lab)| lab);
    let is_running =
        |id: &str| labs().filter_map(|lab| lab.witness().get(id)).any(|entry| entry.finished_us.is_none());
    assert!(on_their_way.iter().all(|(session, _)| is_running(session)), "it took too long");
    assert_eq!(report["sessions"], bound.len() + 1, "{report}");
    assert_eq!(report["conversations"], 4, "{report}");
    assert_eq!(report["providers"].as_array().unwrap().len(), 4, "{report}");
    assert_eq!(store.keys("session:*:provider").await.len(), 0);
    assert_eq!(store.keys("hash:*").await.len(), 0);
    for first in &bound {
        let left = store.keys(&format!("session:{}:*", first.session())).await;
        assert!(left.is_empty(), "{left:?}");
    }
    for roster in store.keys("*:active_sessions").await {
        // The new one was not bound yet, so nobody looked for it.
        assert!(store.size(&roster).await <= 1, "{roster}");
    }

    for (mut connection, (session, hub)) in waiting.into_iter().zip(on_their_way) {
        let answer = connection.read().await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        // A hub writes one thing after the other: what this request left is there when the next one's is.
        let next = town.served(hub, &Request::named(&format!("after-{session}"))).await;
        store.until_bound(next.session(), next.provider()).await;
        let session = format!("k{}.{session}", town.key.id);
        assert_eq!(store.binding(&session).await, None, "{session} is bound again");
    }
    for (number, (first, request)) in bound.iter().zip(&requests).enumerate() {
        // Where it was, as its own memory knows of the binding.
        let next = town.served(number % 2, request).await;
        assert!(!next.is_reuse(), "{}", first.session());
    }
    for (session, hub) in on_their_way {
        let next = town.served(hub, &Request::named(session)).await;
        assert!(!next.is_reuse(), "{session}");
        store.until_bound(next.session(), next.provider()).await;
        let then = town.served(1 - hub, &Request::named(session)).await;
        assert!(then.is_reuse(), "{session} may be bound again from now on");
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cleared_through_a_hub_with_sessions_of_its_own_is_chosen_anew() {
    let site = Site::embedded();
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let seeded = site.furnish(&lab.url()).await;
    let hub = site.start().await;
    let admin = Admin(hub.address);
    let ask = async |session: &str| {
        let mut connection = Connection::open(hub.address).await.unwrap();
        let headers =
            format!("x-api-key: {}\r\nx-session-id: {session}\r\nconnection: close\r\n", seeded.key);
        let message = json!({"role": "user", "content": "?"});
        let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [message]});
        connection.send("POST", "/v1/messages", &headers, &body.to_string()).await.unwrap();
        let answer = connection.read().await.unwrap();
        assert_eq!(answer.status, 200);
        let path = format!("/requests/{}", answer.header("x-request-id").unwrap());
        let look = async || {
            let found = admin.call("GET", &path, &Value::Null).await;
            (found.status == 200).then(|| Served(found.json()))
        };
        eventually("the request is on record", PATIENCE, look).await.0
    };
    for session in ["a", "b"] {
        ask(session).await;
        assert!(ask(session).await.is_reuse());
    }
    let (server, id) = (format!("http://{}", hub.address), seeded.provider_id.to_string());
    let clear = ["--json", "--server", &server, "clear-bindings", "--id", &id];
    let dry = report(&site.administer(&[&clear[..], &["--dry-run"]].concat()).await);
    assert_eq!((&dry["dry_run"], &dry["sessions"]), (&json!(true), &json!(2)), "{dry}");
    assert!(ask("a").await.is_reuse(), "nothing was changed");
    let done = report(&site.administer(&[&clear[..], &["--yes"]].concat()).await);
    assert_eq!((&done["dry_run"], &done["sessions"]), (&json!(false), &json!(2)), "{done}");
    for session in ["a", "b"] {
        assert!(!ask(session).await.is_reuse(), "{session}");
        assert!(ask(session).await.is_reuse(), "{session}");
    }
    hub.stop().await;
}
