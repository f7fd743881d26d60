//! Three providers under steady load, of which one dies in every way and comes back: clients do not notice, unless
//! they had a part of its answer already, and then they are told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub_lab::Behaviour;
use hub_testkit::Redis;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Connection, eventually};
use crate::sessions::town::{Request, Town};

const TALKERS: u64 = 12;
const PAUSE: Duration = Duration::from_millis(20);
const BUDGET: &str = "10000";
/// The budget, and a second for the machine.
const FIRST_CONTENT: Duration = Duration::from_secs(11);
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests that the ill provider has to see, or that are answered meanwhile, before it comes back.
const ENOUGH: u64 = 25;

/// What one client saw.
#[derive(Debug)]
struct Heard {
    status: u16,
    stream: bool,
    /// Until there was content.
    first_content: Option<Duration>,
    is_whole: bool,
    is_told: bool,
    #[expect(dead_code, reason = "printed")]
    tail: String,
}

async fn ask(hub: SocketAddr, key: &str, session: &str, stream: bool) -> Heard {
    let headers = format!("x-api-key: {key}\r\nx-session-id: {session}\r\nconnection: close\r\n");
    let began = Instant::now();
    let mut connection = Connection::open(hub).await.unwrap();
    let body = Request::message(stream).text();
    connection.send("POST", "/v1/messages", &headers, &body).await.unwrap();
    let has_content = |answer: &crate::harness::Answer| answer.text().contains("\"text\":\"A");
    let answer = connection.read_until(has_content).await.expect("the hub answers");
    let first_content = (answer.status == 200 && has_content(&answer)).then(|| began.elapsed());
    let answer = connection.read().await.unwrap();
    let text = answer.text();
    let has_end = !stream || answer.last_event().0.as_deref() == Some("message_stop");
    Heard {
        status: answer.status,
        stream,
        first_content,
        is_whole: answer.is_whole && has_end,
        // A stream says it, an answer in one piece ends before its announced length.
        is_told: if stream { text.contains("event: error") } else { !answer.is_whole },
        tail: text.chars().skip(text.chars().count().saturating_sub(200)).collect(),
    }
}

/// Clients that ask all the time, each time in a session of its own, so that nobody stays away from the ill one.
struct Load {
    answered: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    tasks: JoinSet<Vec<Heard>>,
}

impl Load {
    fn on(town: &Town) -> Self {
        let (answered, is_over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut tasks = JoinSet::new();
        for talker in 0..TALKERS {
            let hub = town.hubs[usize::try_from(talker % 2).unwrap()].address;
            let (key, answered, is_over) =
                (town.key.text.clone(), Arc::clone(&answered), Arc::clone(&is_over));
            tasks.spawn(async move {
                let mut all = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let number = answered.fetch_add(1, Ordering::Relaxed);
                    let session = format!("load-{talker}-{number}");
                    all.push(ask(hub, &key, &session, number % 3 != 0).await);
                    tokio::time::sleep(PAUSE).await;
                }
                all
            });
        }
        Self { answered, is_over, tasks }
    }

    async fn go_on(&self, what: &str) {
        let goal = self.answered.load(Ordering::Relaxed) + 2 * ENOUGH;
        let reached = async || (self.answered.load(Ordering::Relaxed) >= goal).then_some(());
        eventually(what, PATIENCE, reached).await;
    }

    async fn finish(self) -> Vec<Heard> {
        self.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_dies_and_comes_back_is_not_noticed_by_clients() {
    let redis = Redis::start().await.unwrap();
    let settings = [("FAILOVER_BUDGET_MS", BUDGET)];
    let fields = json!({"timeout_first_byte": 1000, "timeout_request": 2000, "timeout_idle": 1000});
    let town = Town::build(&redis.url(), &settings, &vec![fields; 3]).await;
    let ill = &town.providers[0].1;
    for place in 1..3 {
        town.plays(place, Behaviour::from_header("chunk_ms=5; chunks=6").unwrap());
    }
    let well = || town.plays(0, Behaviour::from_header("chunk_ms=5; chunks=6").unwrap());
    well();
    let load = Load::on(&town);
    load.go_on("all are well").await;

    ill.die().await;
    load.go_on("one is gone").await;
    ill.revive().await.unwrap();
    load.go_on("it is back").await;
    for illness in [
        "latency_ms=20000",
        "first_chunk_ms=20000",
        "status=500",
        "no_head; cut=reset",
        "truncate_after=0; cut=reset",
        "error_in_200; error_type=api_error; error_after=0",
        "truncate_after=3; cut=reset; chunk_ms=5",
        "truncate_after=3; cut=clean; chunk_ms=5",
    ] {
        town.plays(0, Behaviour::from_header(illness).unwrap());
        let seen = ill.witness().totals().received;
        let enough = ill.witness().wait_until(PATIENCE, |totals| totals.received >= seen + ENOUGH).await;
        assert!(enough, "{illness}: it is asked all the same");
        well();
    }
    load.go_on("all are well again").await;
    let heard = load.finish().await;

    let (mut cut, mut first): (Vec<&Heard>, Vec<Duration>) = (Vec::new(), Vec::new());
    for one in &heard {
        assert_eq!(one.status, 200, "{one:?}");
        let content = one.first_content.unwrap_or_else(|| panic!("no content: {one:?}"));
        assert!(content < FIRST_CONTENT, "{one:?}");
        first.push(content);
        if !one.is_whole {
            assert!(one.is_told, "broken off without a word: {one:?}");
            cut.push(one);
        }
    }
    first.sort();
    let at = |share: usize| first[(first.len() * share / 100).min(first.len() - 1)];
    println!(
        "{} answers, {} broken off after content ({} in one piece); first content: p50 {:?}, p99 {:?}, longest {:?}",
        heard.len(),
        cut.len(),
        cut.iter().filter(|one| !one.stream).count(),
        at(50),
        at(99),
        at(100)
    );
    assert!(!cut.is_empty(), "streams were cut under way");
    town.close().await;
}
