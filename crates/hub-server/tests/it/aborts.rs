//! Clients that leave: ten thousand of them, before the head, while the answer is held back, in the middle of it.
//! Nothing of theirs stays, the upstream is stopped where that is asked for, and listened to the end where not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hub_lab::{Lab, LabConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::{Admin, Chance, Connection, Hub, Site, eventually};

const DEPARTURES: u64 = 10_000;
const LEAVERS: u64 = 96;
/// As many sessions at a time as the key may have: one slot that is not given back, and clients are refused.
const SESSIONS: u64 = 32;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a client waits for before it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The provider has not begun to answer.
    Asked,
    /// The provider has begun, and there is no content yet.
    Held,
    /// The client has content.
    Content,
}

/// A hub with a Claude provider that is drained, and a chat provider that is cancelled.
struct Stage {
    hub: Hub,
    lab: Lab,
    key: String,
    /// The directory, until the end.
    _site: Site,
}

impl Stage {
    async fn build(keep: usize) -> Self {
        let site = Site::embedded();
        let lab = Lab::start(LabConfig { keep, hash: false, ..LabConfig::default() }).await.unwrap();
        let hub = site.start().await;
        let admin = Admin(hub.address);
        for (kind, policy) in [("claude", "drain"), ("openai-compatible", "cancel")] {
            let provider = json!({
                "name": kind, "url": lab.url(), "provider_type": kind, "credential": "sk-simulated-credential",
                "on_client_abort": policy, "limit_concurrent_sessions": SESSIONS,
            });
            admin.post("/providers", provider).await;
        }
        let user = admin.post("/users", json!({"name": "ada"})).await["id"].as_i64().unwrap();
        let fields = json!({"name": "laptop", "limit_concurrent_sessions": SESSIONS});
        let key = admin.post(&format!("/users/{user}/keys"), fields).await;
        Self { hub, lab, key: key["key"].as_str().unwrap().to_owned(), _site: site }
    }

    fn request(&self, is_drained: bool, session: u64, script: &str) -> String {
        request(&self.key, is_drained, session, script)
    }

    /// Waits for the record of the only request that a session has.
    async fn record(&self, session: u64) -> Value {
        let admin = Admin(self.hub.address);
        let named = format!(".s-{session}");
        let ask = async || {
            let all = admin.get("/requests?limit=200").await;
            let mut all = all["items"].as_array().unwrap().iter();
            all.find(|one| one["session_id"].as_str().is_some_and(|id| id.ends_with(&named))).cloned()
        };
        let (found, _) = eventually("the request is on record", PATIENCE, ask).await;
        admin.get(&format!("/requests/{}", found["id"].as_str().unwrap())).await
    }
}

fn request(key: &str, is_drained: bool, session: u64, script: &str) -> String {
    let (path, model) =
        if is_drained { ("/v1/messages", "claude-sonnet-4-5") } else { ("/v1/chat/completions", "gpt-5") };
    let body = json!({
        "model": model, "max_tokens": 100, "stream": true, "messages": [{"role": "user", "content": "Bye."}],
    });
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: hub\r\nauthorization: Bearer {key}\r\nx-session-id: s-{session}\r\n\
         x-lab: {script}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends it and reads until there is content.
async fn until_content(hub: SocketAddr, request: &str) -> TcpStream {
    let mut socket = TcpStream::connect(hub).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.windows(7).any(|window| window == b"\"text\":" || window == b"content") {
        assert!(socket.read_buf(&mut seen).await.unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
    }
    assert!(seen.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&seen));
    socket
}

/// One client after the other, each of which leaves.
async fn leave(hub: SocketAddr, key: String, left: Arc<AtomicU64>, mut chance: Chance) {
    loop {
        let number = left.fetch_add(1, Ordering::Relaxed);
        if number >= DEPARTURES {
            return;
        }
        let until = [Until::Asked, Until::Held, Until::Content][usize::try_from(number % 3).unwrap()];
        let script = match until {
            Until::Asked => "latency_ms=500",
            Until::Held => "first_chunk_ms=500",
            Until::Content => "chunk_ms=100; chunks=4",
        };
        let request = request(&key, number.is_multiple_of(2), number % SESSIONS, script);
        if until == Until::Content {
            drop(until_content(hub, &request).await);
        } else {
            let mut socket = TcpStream::connect(hub).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            tokio::time::sleep(chance.millis(0..400)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_clients_leave_nothing_behind() {
    let mut chance = Chance::fresh("aborts");
    let stage = Stage::build(0).await;
    let depart = async |count: u64, chance: &mut Chance| {
        let left = Arc::new(AtomicU64::new(DEPARTURES - count));
        let mut leavers = JoinSet::new();
        for _ in 0..LEAVERS {
            let chance = Chance::seeded(chance.number());
            leavers.spawn(leave(stage.hub.address, stage.key.clone(), Arc::clone(&left), chance));
        }
        leavers.join_all().await;
        let at_rest = async || (stage.hub.metric("hub_requests_in_flight").await == Some(0.0)).then_some(());
        eventually("no request is under way", PATIENCE, at_rest).await;
        Admin(stage.hub.address).wait_for_records().await;
    };
    // The first ones fill what is kept for those who come after: connections, tables, the allocator.
    depart(DEPARTURES / 10, &mut chance).await;
    let (before, began) = (stage.hub.look(), Instant::now());
    depart(DEPARTURES, &mut chance).await;
    let took = began.elapsed();

    let admin = Admin(stage.hub.address);
    for gauge in ["hub_requests_in_flight", "hub_journal_entries", "hub_journal_dropped_total"] {
        assert_eq!(stage.hub.metric(gauge).await, Some(0.0), "{gauge}");
    }
    let sessions = admin.get("/sessions?limit=200").await;
    let sessions = sessions["items"].as_array().unwrap();
    assert_eq!(sessions.len() as u64, SESSIONS);
    assert!(sessions.iter().all(|session| session["in_flight"] == 0), "{sessions:?}");
    let totals = stage.lab.witness().totals();
    assert_eq!(
        totals.answered,
        totals.completed + totals.cut + totals.client_gone,
        "nobody is being answered"
    );
    assert!(totals.client_gone > 1500 && totals.completed > 1500, "cancelled and drained: {totals:?}");
    // What is idle between two requests may stay for the next ones.
    let is_back = async || (stage.hub.look().files <= before.files + 16).then(|| stage.hub.look());
    let (after, _) = eventually("connections are closed", PATIENCE, is_back).await;
    println!(
        "{DEPARTURES} departures in {took:.1?}; files {} → {}, threads {} → {}, memory {} → {} KiB; {totals:?}",
        before.files, after.files, before.threads, after.threads, before.resident_kib, after.resident_kib
    );
    assert!(after.threads <= before.threads + 4);
    assert!(after.resident_kib <= before.resident_kib + 16 * 1024, "less than two KiB for each");
    // Whoever comes now is served in one of the sessions that the others had.
    let served = stage.request(true, 0, "chunks=1");
    let mut connection = until_content(stage.hub.address, &served).await;
    assert!(connection.read(&mut [0; 4096]).await.is_ok());
    drop(connection);
    // Ends well only if no task is left.
    stage.hub.stop().await;
}

/// Leaves so many streams that would go on for a minute; how long each provider went on answering.
async fn stops(stage: &Stage, script: &str, until: Until, times: u64) -> Vec<Duration> {
    let mut took = Vec::new();
    for number in 0..times {
        let request = stage.request(false, number % SESSIONS, script);
        let before = stage.lab.witness().totals();
        let socket = if until == Until::Content {
            until_content(stage.hub.address, &request).await
        } else {
            let mut socket = TcpStream::connect(stage.hub.address).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            let begun = |totals: &hub_lab::Totals| totals.answered > before.answered;
            assert!(stage.lab.witness().wait_until(PATIENCE, begun).await);
            socket
        };
        let left = Instant::now();
        drop(socket);
        let gone = |totals: &hub_lab::Totals| totals.client_gone > before.client_gone;
        assert!(stage.lab.witness().wait_until(PATIENCE, gone).await, "the upstream goes on");
        took.push(left.elapsed());
    }
    took.sort();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_to_be_cancelled_is_stopped_at_once() {
    let stage = Stage::build(0).await;
    for (script, until) in
        [("chunk_ms=20; chunks=3000", Until::Content), ("first_chunk_ms=25000", Until::Held)]
    {
        let took = stops(&stage, script, until, 20).await;
        println!("cancelled, {until:?}: median {:?}, longest {:?}", took[10], took[19]);
        assert!(took[10] < Duration::from_millis(100), "{until:?}: {took:?}");
    }
    // Before the head there is no answer that could be seen to stop: it never begins.
    let mut socket = TcpStream::connect(stage.hub.address).await.unwrap();
    let before = stage.lab.witness().totals();
    socket.write_all(stage.request(false, 0, "latency_ms=1500").as_bytes()).await.unwrap();
    assert!(stage.lab.witness().wait_until(PATIENCE, |totals| totals.received > before.received).await);
    drop(socket);
    let answered = |totals: &hub_lab::Totals| totals.answered > before.answered;
    assert!(!stage.lab.witness().wait_until(Duration::from_millis(2000), answered).await);
    stage.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_to_be_drained_tells_what_it_used_though_nobody_listens() {
    let stage = Stage::build(100).await;
    for (session, script, until) in [
        (1, "input=321; output=777; chunk_ms=30; chunks=12", Until::Content),
        (2, "input=321; output=777; first_chunk_ms=1500", Until::Held),
    ] {
        let before = stage.lab.witness().totals();
        let request = stage.request(true, session, script);
        if until == Until::Content {
            drop(until_content(stage.hub.address, &request).await);
        } else {
            let mut connection = Connection::open(stage.hub.address).await.unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let headers =
                head.lines().filter(|line| line.starts_with("authorization") || line.starts_with("x-"));
            let headers = [headers.collect::<Vec<_>>().join("\r\n"), "\r\n".to_owned()].concat();
            connection.send("POST", "/v1/messages", &headers, body).await.unwrap();
            let begun = |totals: &hub_lab::Totals| totals.answered > before.answered;
            assert!(stage.lab.witness().wait_until(PATIENCE, begun).await);
            // The head is on its way. Of an answer without one there is nothing to drain.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let done = |totals: &hub_lab::Totals| totals.completed > before.completed;
        assert!(stage.lab.witness().wait_until(PATIENCE, done).await, "{until:?}: it is read to its end");
        let record = stage.record(session).await;
        assert_eq!(record["outcome"], "client_aborted", "{until:?}: {record}");
        let attempt = &record["attempts"][0];
        let used = (&attempt["usage_source"], &attempt["input_tokens"], &attempt["output_tokens"]);
        assert_eq!(used, (&json!("reported"), &json!(321), &json!(777)), "{until:?}: {record}");
        assert!(attempt["cost_usd"].is_string(), "{until:?}: it was paid for");
    }
    stage.hub.stop().await;
}
