//! Thousands of garbled requests: each is answered in words or its connection closed, none gets past the hub
//! that was not meant to, and nothing is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use hub_lab::{Behaviour, Lab, LabConfig, Scenario};

use crate::bodies::{self, Base};
use crate::dice::Dice;
use crate::hub::Hub;
use crate::process::{self, eventually};
use crate::raw_upstream::RawUpstream;
use crate::verdict::{Shape, judge};
use crate::{framings, wire};

const SEED: u64 = 0x5EED_0001;
const ROUND: u64 = 1_750;
const ABREAST: usize = 48;
/// What a warm process may still grow by, in two more rounds.
const GROWTH_KIB: usize = 20 << 10;

/// What became of a round.
#[derive(Debug, Default)]
struct Tally {
    answers: AtomicU64,
    successes: AtomicU64,
    gave_up: AtomicU64,
}

/// Request `number` of the storm, and the shape that an error must have.
fn shot(number: u64, key: &str) -> (Vec<u8>, Shape) {
    let mut dice = Dice::of_case(SEED, number);
    let stream = dice.below(2) == 0;
    let base = Base::all(stream)[dice.below(4)].clone();
    if number.is_multiple_of(2) {
        let (body, headers) = bodies::mutate(&base, &mut dice);
        (base.wire_with(key, headers, &body), base.shape)
    } else {
        (framings::mutate(&base, key, &mut dice), Shape::Any)
    }
}

async fn round(hub: &Hub, numbers: std::ops::Range<u64>) -> Tally {
    let tally = Tally::default();
    let problems = parking_lot::Mutex::new(Vec::new());
    futures_util::stream::iter(numbers)
        .for_each_concurrent(ABREAST, async |number| {
            let (bytes, shape) = shot(number, hub.key());
            // A garbled body in a good frame is answered, however long that takes.
            let exchange = match shape {
                Shape::Any => wire::exchange(hub.address(), &bytes).await,
                _ => wire::exchange_patiently(hub.address(), &bytes).await,
            };
            if let Err(reason) = judge(&exchange, shape) {
                let shown = String::from_utf8_lossy(&bytes);
                problems.lock().push(format!("seed {SEED:#x} case {number}: {reason}\nfor {shown:.500}"));
            }
            if shape != Shape::Any && exchange.answers.is_empty() {
                problems.lock().push(format!("seed {SEED:#x} case {number}: no answer"));
            }
            let answers = exchange.answers.iter().filter(|answer| answer.status >= 200);
            tally.answers.fetch_add(answers.clone().count() as u64, Ordering::Relaxed);
            let successes = answers.filter(|answer| answer.header("x-upstream").is_some());
            tally.successes.fetch_add(successes.count() as u64, Ordering::Relaxed);
            tally.gave_up.fetch_add(u64::from(exchange.gave_up), Ordering::Relaxed);
        })
        .await;
    let problems = problems.into_inner();
    assert!(
        problems.is_empty(),
        "{} problems, the first ones:\n{}",
        problems.len(),
        problems[..problems.len().min(6)].join("\n\n")
    );
    tally
}

#[test]
fn garbled_requests_get_an_answer_and_leave_nothing_behind() {
    let _turn = process::turn();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(storm());
    assert_eq!(process::panics(), 0, "panics");
}

async fn storm() {
    let sockets_without_hub = process::open_sockets();
    let raw = RawUpstream::start(SEED).await;
    let marked = [("x-upstream".to_owned(), "1".to_owned())].into();
    let scenario = Scenario::always(Behaviour { headers: Some(marked), ..Behaviour::default() });
    let lab = Lab::start(LabConfig { keep: 0, scenario, ..LabConfig::default() }).await.unwrap();
    let providers = [
        ("claude", raw.url()),
        ("openai-compatible", raw.url()),
        ("codex", lab.url()),
        ("gemini", lab.url()),
    ];
    let hub = Arc::new(Hub::start(&[], &providers).await);
    let (raw_before, lab_before) = (raw.requests(), lab.witness().totals().received);
    println!("seed {SEED:#x}");

    let mut tally = round(&hub, 0..ROUND).await;
    let warm = process::resident_kib();
    for number in 1..3 {
        let next = round(&hub, number * ROUND..(number + 1) * ROUND).await;
        for (sum, more) in [
            (&mut tally.answers, next.answers),
            (&mut tally.successes, next.successes),
            (&mut tally.gave_up, next.gave_up),
        ] {
            *sum.get_mut() += more.into_inner();
        }
    }
    let grown = process::resident_kib().saturating_sub(warm);
    println!("{tally:?}, resident after one round {warm} KiB, two rounds later {grown} KiB more");
    assert!(grown < GROWTH_KIB, "{grown} KiB more after two more rounds");

    // What reached an upstream was asked for by a client: it has the answer, or left before it came.
    let (successes, gave_up) = (tally.successes.into_inner(), tally.gave_up.into_inner());
    let passed = raw.requests() - raw_before + lab.witness().totals().received - lab_before;
    assert!(
        (successes..=successes + gave_up).contains(&passed),
        "{passed} upstream, {successes} answered, {gave_up} left"
    );
    assert_eq!(raw.complaints(), Vec::<String>::new());
    assert!(tally.answers.into_inner() > 3 * ROUND / 2, "most get an answer");
    assert!(successes > 300, "some requests are good enough: {successes}");

    assert!(hub.is_at_rest().await, "requests in flight after the storm");
    assert!(raw.most_open_connections() <= ABREAST * 2, "connections to the upstream");
    for base in Base::all(true).into_iter().chain(Base::all(false)) {
        let exchange = wire::exchange(hub.address(), &base.wire(hub.key(), "")).await;
        assert_eq!(exchange.answers[0].status, 200, "a good request after the storm: {exchange:?}");
    }
    Arc::into_inner(hub).unwrap().end().await;
    let all_closed = eventually(Duration::from_secs(5), async || raw.open_connections() == 0).await;
    assert!(all_closed, "{} connections to the upstream outlive the hub", raw.open_connections());
    raw.stop().await;
    lab.stop().await;
    let closed =
        eventually(Duration::from_secs(5), async || process::open_sockets() <= sockets_without_hub).await;
    assert!(closed, "{} sockets before, {} after", sockets_without_hub, process::open_sockets());
}
