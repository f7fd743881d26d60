//! Thousands of garbled answers: each client gets an answer that it can read, whatever the upstream did.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::bodies::Base;
use crate::forge::POISON;
use crate::hub::Hub;
use crate::process::{self, eventually};
use crate::raw_upstream::{FORGE, RawUpstream};
use crate::verdict::judge;
use crate::wire;

const SEED: u64 = 0x5EED_0002;
const ROUND: u64 = 1_750;
const ABREAST: usize = 48;
/// What a warm process may still grow by, in two more rounds.
const GROWTH_KIB: usize = 20 << 10;

async fn round(hub: &Hub, numbers: std::ops::Range<u64>) {
    let problems = parking_lot::Mutex::new(Vec::new());
    let problem = |number: u64, reason: String| {
        problems.lock().push(format!("seed {SEED:#x} case {number}: {reason}"));
    };
    futures_util::stream::iter(numbers)
        .for_each_concurrent(ABREAST, async |number| {
            let choice = usize::try_from(number % 8).unwrap();
            let base = Base::all(choice < 4)[choice % 4].clone();
            let request = base.wire(hub.key(), &format!("{FORGE}: {number}\r\n"));
            let exchange = wire::exchange_patiently(hub.address(), &request).await;
            if let Err(reason) = judge(&exchange, base.shape) {
                problem(number, reason);
            }
            let finals: Vec<_> = exchange.answers.iter().filter(|answer| answer.status >= 200).collect();
            match finals.as_slice() {
                [answer] if answer.header("x-request-id").is_none() => {
                    problem(number, format!("no x-request-id: {answer:?}"));
                }
                [answer] if answer.header(POISON).is_some() => {
                    problem(number, "got an answer that nobody asked for".to_owned());
                }
                [answer] if answer.header("set-cookie").or(answer.header("location")).is_some() => {
                    problem(number, format!("headers that belong to the upstream: {answer:?}"));
                }
                [answer]
                    if answer.header("content-type") == Some("text/event-stream") && !answer.is_whole =>
                {
                    problem(number, format!("a stream that ends without a word: {answer:?}"));
                }
                [_] => {}
                // Once a success has begun to pass there is no way to say that it broke off, but breaking off.
                [] if crate::forge::begins_as_success(SEED, number, base.path) => {}
                others => {
                    let script = crate::forge::script(SEED, number, base.path);
                    problem(number, format!("{} answers to {script:.1500?}", others.len()));
                }
            }
        })
        .await;
    let problems = problems.into_inner();
    assert!(
        problems.is_empty(),
        "{} problems, the first ones:\n{}",
        problems.len(),
        problems[..problems.len().min(8)].join("\n\n")
    );
}

#[test]
fn garbled_answers_become_errors_that_clients_understand() {
    let _turn = process::turn();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(storm());
    assert_eq!(process::panics(), 0, "panics");
}

async fn storm() {
    let sockets_without_hub = process::open_sockets();
    let raw = RawUpstream::start(SEED).await;
    let kinds = ["claude", "openai-compatible", "codex", "gemini"];
    let providers = kinds.map(|kind| (kind, raw.url()));
    let hub = Arc::new(Hub::start(&[], &providers).await);
    let before = raw.requests();
    println!("seed {SEED:#x}");

    round(&hub, 0..ROUND).await;
    let warm = process::resident_kib();
    round(&hub, ROUND..2 * ROUND).await;
    round(&hub, 2 * ROUND..3 * ROUND).await;
    let grown = process::resident_kib().saturating_sub(warm);
    println!("resident after one round {warm} KiB, two rounds later {grown} KiB more");
    assert!(grown < GROWTH_KIB, "{grown} KiB more after two more rounds");

    // One attempt each; only a connection that was dead before any byte of an answer is tried again.
    let asked = raw.requests() - before;
    assert!((3 * ROUND..3 * ROUND + ROUND).contains(&asked), "{asked} requests for {} cases", 3 * ROUND);
    assert_eq!(raw.complaints(), Vec::<String>::new());
    assert!(hub.is_at_rest().await, "requests in flight after the storm");
    assert!(raw.most_open_connections() <= ABREAST * 2, "connections to the upstream");
    for base in Base::all(false) {
        let exchange = wire::exchange(hub.address(), &base.wire(hub.key(), "")).await;
        assert_eq!(exchange.answers[0].status, 200, "a good request after the storm: {exchange:?}");
    }

    // Connections that the upstream closes while they are idle are closed by the sweep.
    raw.close_connections();
    let swept = eventually(Duration::from_secs(15), async || {
        process::open_sockets() <= sockets_without_hub + 2 && raw.open_connections() == 0
    });
    assert!(
        swept.await,
        "{sockets_without_hub} sockets before the hub, {} after the storm",
        process::open_sockets()
    );
    Arc::into_inner(hub).unwrap().end().await;
    raw.stop().await;
}
