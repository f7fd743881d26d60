//! Clients that leave: how soon the upstream is rid of the request where it is to be cancelled.

use std::time::{Duration, Instant};

use hub_lab::Behaviour;
use hub_types::Dialect;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::harness::client::Request;
use crate::harness::world::{PATIENCE, Setup};
use crate::harness::{find, speech};
use crate::sessions::ring::Ring;

/// An upstream is to be rid of a request within this time.
const SOON: Duration = Duration::from_millis(100);
/// Of so many the one in the middle counts: the machine may be busy with something else.
const TRIES: u64 = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The head is there, and no content.
    AtTheGate,
    /// In the middle of the answer.
    Flowing,
}

async fn times_to_hang_up(ring: &Ring, moment: Moment, running: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for round in 1..=TRIES {
        let request = Request::post("/v1/messages", speech::body(Dialect::Claude, true))
            .key(&ring.key.text)
            .header("x-session-id", format!("{moment:?} {running} {round}"));
        let labs = || ring.members.iter().take(running).map(|(_, lab)| lab);
        if moment == Moment::Flowing {
            request.send_and_leave_after(ring.hub.address, b"content_block_delta").await;
        } else {
            let has_come = async {
                for lab in labs() {
                    assert!(lab.witness().wait_until(PATIENCE, |totals| totals.answered >= round).await);
                }
            };
            request.send_and_leave_when(ring.hub.address, has_come).await;
        }
        let left = Instant::now();
        for lab in labs() {
            assert!(lab.witness().wait_until(PATIENCE, |totals| totals.client_gone >= round).await);
        }
        times.push(left.elapsed());
    }
    times.sort();
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_it_is_to_be_cancelled_the_upstream_is_rid_of_it_at_once() {
    let fields = |priority: u32, hedge: Option<u32>| json!({"priority": priority, "on_client_abort": "cancel", "hedge_after_ms": hedge});
    for running in [1, 2] {
        let hedge = (running == 2).then_some(100);
        let ring = Ring::start(Dialect::Claude, &[fields(0, hedge), fields(1, None)]).await;
        for moment in [Moment::AtTheGate, Moment::Flowing] {
            if moment == Moment::Flowing && running == 2 {
                continue;
            }
            for (provider, lab) in &ring.members {
                lab.reset();
                let behaviour = match moment {
                    Moment::Flowing => Behaviour { chunk_ms: Some(30_000), ..Behaviour::default() },
                    Moment::AtTheGate => Behaviour { first_chunk_ms: Some(30_000), ..Behaviour::default() },
                };
                ring.plays(*provider, behaviour);
            }
            let times = times_to_hang_up(&ring, moment, running).await;
            println!("{moment:?}, {running} running: {times:?}");
            assert!(times[times.len() / 2] < SOON, "{moment:?}, {running} running: {times:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_has_said_nothing_is_rid_of_it_whatever_the_policy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let setup = Setup::new().await;
    setup.provider_for(Dialect::Claude, "silent", &url, json!({"on_client_abort": "drain"})).await;
    let (key, hub) = (setup.member().await, setup.start().await);
    let mut times = Vec::new();
    for round in 1..=TRIES {
        let request = Request::post("/v1/messages", speech::body(Dialect::Claude, true))
            .key(&key.text)
            .header("x-session-id", format!("silent {round}"));
        let mut upstream = None;
        let has_come = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut raw = Vec::new();
            while find(&raw, b"Hello").is_none() {
                assert!(socket.read_buf(&mut raw).await.unwrap() > 0);
            }
            upstream = Some(socket);
        };
        request.send_and_leave_when(hub.address, has_come).await;
        let left = Instant::now();
        let (mut upstream, mut rest) = (upstream.unwrap(), Vec::new());
        let ended = upstream.read_to_end(&mut rest);
        let _ = tokio::time::timeout(PATIENCE, ended).await.expect("the hub hangs up");
        times.push(left.elapsed());
    }
    times.sort();
    println!("before a head: {times:?}");
    assert!(times[times.len() / 2] < SOON, "{times:?}");
}
