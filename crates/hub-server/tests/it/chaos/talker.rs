//! Clients in a storm: they ask in all dialects, leave when they like, and write down what they got.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hub_types::Dialect;
use serde_json::Value;
use tokio::task::JoinSet;

use super::speech::{self, DIALECTS};
use super::storm::Over;
use crate::harness::{Answer, Chance, Connection};

/// What all talkers know.
#[derive(Debug, Clone)]
pub(super) struct Town {
    pub(super) hubs: Vec<SocketAddr>,
    pub(super) key: String,
    pub(super) serials: Arc<AtomicU64>,
    pub(super) heard: Arc<AtomicU64>,
    /// Nobody leaves before it is answered.
    pub(super) is_patient: bool,
}

/// One request and what became of it, as its client knows.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Its number, which the vendors see, too.
    pub(super) serial: u64,
    /// After a departure a talker begins another session: so at most one request of each has no known id.
    pub(super) session: String,
    #[expect(dead_code, reason = "printed")]
    pub(super) dialect: Dialect,
    #[expect(dead_code, reason = "printed")]
    pub(super) stream: bool,
    pub(super) has_left: bool,
    pub(super) heard: Option<Heard>,
}

/// What came of an answer.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) status: u16,
    pub(super) id: Option<String>,
    /// As HTTP has it.
    pub(super) is_whole: bool,
    /// As the dialect has it.
    pub(super) has_end: bool,
    pub(super) has_error: bool,
    /// The end of it, for whoever has to find out what went wrong.
    #[expect(dead_code, reason = "printed")]
    pub(super) tail: String,
}

impl Sent {
    /// Answered in full and without an error.
    pub(super) fn is_served(&self) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.status == 200 && heard.is_whole && heard.has_end)
    }
}

impl Heard {
    fn of(dialect: Dialect, stream: bool, answer: &Answer) -> Self {
        let text = answer.text();
        let is_object = || serde_json::from_str::<Value>(&text).is_ok_and(|body| body.is_object());
        let is_stream = stream && answer.status == 200;
        Self {
            status: answer.status,
            id: answer.header("x-request-id").map(str::to_owned),
            is_whole: answer.is_whole,
            has_end: if is_stream { speech::has_end(dialect, answer) } else { is_object() },
            has_error: if is_stream { speech::has_error(answer) } else { text.contains("\"error\"") },
            tail: text.chars().rev().take(160).collect::<Vec<_>>().into_iter().rev().collect(),
        }
    }
}

/// The tokens that the vendors are told to report of this request.
pub(super) fn tokens_of(serial: u64) -> (u64, u64) {
    (1000 + serial, 1 + serial % 977)
}

/// Lets so many talk until it is over; answers all that was asked.
pub(super) async fn talk(
    town: &Town,
    talkers: usize,
    chances: impl Fn(usize) -> Chance,
    over: &Over,
) -> Vec<Sent> {
    let mut tasks = JoinSet::new();
    for number in 0..talkers {
        let (town, chance, over) = (town.clone(), chances(number), over.clone());
        tasks.spawn(async move { Talker { town, chance, number, session: 0 }.work(&over).await });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

struct Talker {
    town: Town,
    chance: Chance,
    number: usize,
    session: u64,
}

impl Talker {
    async fn work(mut self, over: &Over) -> Vec<Sent> {
        let mut all = Vec::new();
        self.session = self.chance.number() % 1_000_000 * 1000;
        while !over.is_over() {
            let hub = self.town.hubs[below(&mut self.chance, self.town.hubs.len())];
            let dialect = DIALECTS[below(&mut self.chance, DIALECTS.len())];
            let stream = !self.chance.once_in(3);
            let leaves = self.chance.once_in(5) && !self.town.is_patient;
            let patience = leaves.then(|| self.chance.millis(0..250));
            let is_slow = self.chance.once_in(12);
            let sent = self.ask(hub, dialect, stream, patience, is_slow).await;
            self.town.heard.fetch_add(1, Ordering::Relaxed);
            if sent.has_left || self.chance.once_in(10) {
                self.session += 1;
            }
            all.push(sent);
            over.sleep(self.chance.millis(5..80)).await;
        }
        all
    }

    /// Asks once; `patience` is when the client leaves, if it is not answered by then.
    async fn ask(
        &mut self,
        hub: SocketAddr,
        dialect: Dialect,
        stream: bool,
        patience: Option<Duration>,
        is_slow: bool,
    ) -> Sent {
        let serial = self.town.serials.fetch_add(1, Ordering::Relaxed);
        let session = format!("t{}-{}", self.number, self.session);
        let mut sent = Sent { serial, session, dialect, stream, has_left: false, heard: None };
        let mut connection = Connection::open(hub).await.expect("the hub takes connections all the time");
        let (input, output) = tokens_of(serial);
        let headers = format!(
            "authorization: Bearer {}\r\nx-session-id: {}\r\nx-lab-id: {serial}\r\n\
             x-lab: input={input};output={output}\r\nconnection: close\r\n",
            self.town.key, sent.session
        );
        let body = speech::body(dialect, stream);
        connection.send("POST", &speech::path(dialect, stream), &headers, &body).await.unwrap();
        let reading = async {
            if is_slow {
                connection.read_until(|answer| !answer.body.is_empty()).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            connection.read().await
        };
        let answer = match patience {
            None => reading.await,
            Some(patience) => {
                let answer = tokio::time::timeout(patience, reading).await;
                sent.has_left = answer.is_err();
                answer.unwrap_or_else(|_| connection.so_far())
            }
        };
        sent.heard = answer.map(|answer| Heard::of(dialect, stream, &answer));
        sent
    }
}

/// One request of each dialect and kind through every hub: are they all served?
pub(super) async fn everybody_asks(town: &Town, session: u64) -> Vec<Sent> {
    let mut all = Vec::new();
    let chance = Chance::seeded(session);
    let mut talker = Talker { town: town.clone(), chance, number: 9_999, session };
    for hub in town.hubs.clone() {
        for dialect in DIALECTS {
            for stream in [false, true] {
                all.push(talker.ask(hub, dialect, stream, None, false).await);
            }
        }
    }
    all
}

fn below(chance: &mut Chance, bound: usize) -> usize {
    usize::try_from(chance.number() % bound as u64).unwrap()
}
