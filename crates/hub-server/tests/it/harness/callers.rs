//! Clients whose requests can be told apart: each asks the simulated provider for a usage that no other
//! request has, and notes what it saw of the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hub_types::{Clock as _, SystemClock, Usage};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Answer, Connection};

/// How hard the callers work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) callers: u32,
    /// Between a caller's requests.
    pub(crate) pause: Duration,
    /// Between the chunks of a stream.
    pub(crate) chunk_ms: u32,
}

/// One request and what its client saw.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) serial: u64,
    /// Each caller has a model of its own, and only one request at a time.
    pub(crate) model: String,
    pub(crate) is_stream: bool,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
    /// As far as it came.
    pub(crate) answer: Option<Answer>,
}

impl Sent {
    /// Whether the last byte of the answer arrived, as HTTP and as the dialect has it.
    pub(crate) fn is_whole(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| {
            let has_end = !self.is_stream || answer.last_event().0.as_deref() == Some("message_stop");
            answer.is_whole && answer.status == 200 && has_end
        })
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.answer.as_ref()?.header("x-request-id")
    }
}

/// The usage of the request with this number. The input alone tells requests apart; everything stays below
/// the long-context threshold.
pub(crate) fn usage_of(serial: u64) -> Usage {
    Usage {
        input: 1000 + serial,
        output: 1 + serial % 977,
        reasoning: 0,
        cache_read: serial % 50 * 100,
        cache_write_5m: serial % 7,
        cache_write_1h: serial % 3,
    }
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Nowhere,
    At(SocketAddr),
    End,
}

/// Callers at work.
pub(crate) struct Callers {
    place: watch::Sender<Place>,
    tasks: JoinSet<Vec<Sent>>,
}

impl Callers {
    /// They wait until they are told where the hub is.
    pub(crate) fn start(key: &str, pace: Pace) -> Self {
        let (place, told) = watch::channel(Place::Nowhere);
        let serials = Arc::new(AtomicU64::new(1));
        let mut tasks = JoinSet::new();
        for number in 0..pace.callers {
            let caller = Caller {
                key: key.to_owned(),
                // The digits pass for a date, so that the model has the price of its family.
                model: format!("claude-sonnet-4-5-{}", 20_000_000 + number),
                serials: Arc::clone(&serials),
                pace,
                connection: None,
            };
            tasks.spawn(caller.work(told.clone()));
        }
        Self { place, tasks }
    }

    pub(crate) fn point_at(&self, hub: SocketAddr) {
        self.place.send_replace(Place::At(hub));
    }

    /// No new connections for now.
    pub(crate) fn hold(&self) {
        self.place.send_replace(Place::Nowhere);
    }

    /// Lets the running requests end; answers all that was ever sent.
    pub(crate) async fn finish(self) -> Vec<Sent> {
        self.place.send_replace(Place::End);
        self.tasks.join_all().await.into_iter().flatten().collect()
    }
}

struct Caller {
    key: String,
    model: String,
    serials: Arc<AtomicU64>,
    pace: Pace,
    connection: Option<(SocketAddr, Connection)>,
}

impl Caller {
    async fn work(mut self, mut told: watch::Receiver<Place>) -> Vec<Sent> {
        let mut sent = Vec::new();
        loop {
            let place = told.wait_for(|place| !matches!(place, Place::Nowhere)).await.map(|place| *place);
            let Ok(Place::At(hub)) = place else { return sent };
            if let Some(mut connection) = self.connect(hub).await {
                sent.push(self.ask(&mut connection).await);
                self.connection = Some((hub, connection));
            }
            tokio::time::sleep(self.pace.pause).await;
        }
    }

    /// The connection of the request before, or a new one.
    async fn connect(&mut self, hub: SocketAddr) -> Option<Connection> {
        match self.connection.take() {
            Some((address, connection)) if address == hub && connection.is_open() => Some(connection),
            _ => Connection::open(hub).await.ok(),
        }
    }

    async fn ask(&self, connection: &mut Connection) -> Sent {
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        let is_stream = serial.is_multiple_of(2);
        let Usage { input, output, cache_read, cache_write_5m, cache_write_1h, .. } = usage_of(serial);
        let headers = format!(
            "x-api-key: {}\r\nanthropic-version: 2023-06-01\r\nx-lab-id: {serial}\r\n\
             x-lab: input={input};output={output};cache_read={cache_read};cache_write_5m={cache_write_5m};\
             cache_write_1h={cache_write_1h};chunks=4;chunk_ms={};latency_ms=2\r\n",
            self.key, self.pace.chunk_ms
        );
        let body = json!({
            "model": self.model, "max_tokens": 1000, "stream": is_stream,
            "messages": [{"role": "user", "content": "Count what this costs."}],
        });
        let began = SystemClock.now();
        let is_sent = connection.send("POST", "/v1/messages", &headers, &body.to_string()).await.is_ok();
        let answer = if is_sent { connection.read().await } else { None };
        Sent { serial, model: self.model.clone(), is_stream, began, ended: SystemClock.now(), answer }
    }
}
