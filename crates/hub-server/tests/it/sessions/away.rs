//! Redis comes and goes under load: no request fails or waits, and sessions keep to their providers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub_lab::Behaviour;
use hub_testkit::Redis;
use serde_json::json;
use tokio::task::JoinSet;

use super::store::Store;
use super::town::{Request, Town, failing};
use crate::harness::{Connection, eventually};

const TALKERS: usize = 12;
const PAUSE: Duration = Duration::from_millis(40);
/// Longer than it is when nobody sets it, for machines that are busy with other tests.
const SETTINGS: [(&str, &str); 1] = [("REDIS_COMMAND_TIMEOUT_MS", "1000")];
/// A frozen Redis costs a few command time-outs at most; anything near this is a hang.
const BOUND: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// One request of the load.
#[derive(Debug)]
struct Heard {
    status: u16,
    took: Duration,
}

/// Clients that talk to one hub, each in a session of its own, one request after the other.
struct Load {
    counts: Vec<Arc<AtomicU64>>,
    is_over: Arc<AtomicBool>,
    tasks: JoinSet<Vec<Heard>>,
}

impl Load {
    fn at(town: &Town) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (mut counts, mut tasks) = (Vec::new(), JoinSet::new());
        for talker in 0..TALKERS {
            let count = Arc::new(AtomicU64::new(0));
            counts.push(Arc::clone(&count));
            let (hub, key, is_over) = (town.hubs[0].address, town.key.text.clone(), Arc::clone(&is_over));
            tasks.spawn(async move {
                let mut heard = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let headers = format!("x-api-key: {key}\r\nx-session-id: s-{talker}\r\nconnection: close\r\n");
                    let began = Instant::now();
                    let mut connection = Connection::open(hub).await.unwrap();
                    let body = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"?"}]}"#;
                    connection.send("POST", "/v1/messages", &headers, body).await.unwrap();
                    let answer = connection.read().await.unwrap();
                    heard.push(Heard { status: answer.status, took: began.elapsed() });
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                }
                heard
            });
        }
        Self { counts, is_over, tasks }
    }

    /// Waits until each of them has had so many more answers.
    async fn go_on(&self, more: u64) {
        let counts = || self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let goals: Vec<u64> = counts().map(|count| count + more).collect();
        let reached = async || counts().zip(&goals).all(|(count, goal)| count >= *goal).then_some(());
        eventually("the load goes on", PATIENCE, reached).await;
    }

    async fn finish(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let heard: Vec<Heard> = self.tasks.join_all().await.into_iter().flatten().collect();
        let slowest = heard.iter().map(|heard| heard.took).max().unwrap();
        println!("{} requests, the slowest took {slowest:?}", heard.len());
        for heard in heard {
            assert!(heard.status == 200 && heard.took < BOUND, "{heard:?}");
        }
    }
}

/// Binds sessions while the first provider fails, so that none of them would be where it is without its binding.
async fn bind_elsewhere(town: &Town, sessions: &[String]) {
    town.plays(0, failing());
    let seen = || town.providers[0].1.witness().totals().received;
    let before = seen();
    for session in sessions {
        assert_eq!(town.send(0, &Request::named(session)).await.status, 200);
    }
    assert!(seen() > before, "the first provider is nobody's choice");
    town.plays(0, Behaviour::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_and_goes_costs_no_request_and_no_binding() {
    let redis = Redis::start().await.unwrap();
    let (town, store) =
        (Town::build(&redis.url(), &SETTINGS, &vec![json!({}); 3]).await, Store::at(&redis.url()).await);
    let talkers: Vec<String> = (0..TALKERS).map(|talker| format!("s-{talker}")).collect();
    bind_elsewhere(&town, &talkers).await;
    for talker in &talkers {
        // Bindings are written behind the answers.
        let session = format!("k{}.{talker}", town.key.id);
        let is_bound = async || store.binding(&session).await;
        eventually("each talker is bound", PATIENCE, is_bound).await;
    }
    let avoided = || town.providers[0].1.witness().totals().received;
    let mut before = avoided();

    let load = Load::at(&town);
    load.go_on(5).await;
    for outage in 0..2 {
        let is_killed = outage == 0;
        if is_killed {
            redis.stop().await.unwrap();
        } else {
            redis.freeze().unwrap();
        }
        town.hubs[0].until_redis_is("degraded").await;
        load.go_on(10).await;
        assert_eq!(avoided(), before, "a session left its provider while Redis was away");
        // Sessions that begin meanwhile; the talkers don't notice the failures, as they are bound to others.
        let late: Vec<String> = (0..TALKERS).map(|number| format!("late-{outage}-{number}")).collect();
        bind_elsewhere(&town, &late).await;
        before = avoided();
        if is_killed {
            redis.start_again().await.unwrap();
        } else {
            redis.thaw().unwrap();
        }
        town.hubs[0].until_redis_is("up").await;
        town.hubs[1].until_redis_is("up").await;
        load.go_on(10).await;
        for session in &late {
            let here = town.served(0, &Request::named(session)).await;
            assert!(here.is_reuse(), "{session} was bound while Redis was away");
            store.until_bound(here.session(), here.provider()).await;
            let there = town.served(1, &Request::named(session)).await;
            assert_eq!((there.provider(), there.is_reuse()), (here.provider(), true), "{session}");
        }
        assert_eq!(avoided(), before, "a session left its provider when Redis was back");
    }
    load.finish().await;
    town.close().await;
}
