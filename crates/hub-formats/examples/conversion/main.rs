//! What scanning, tapping and converting cost: `cargo run --release -p hub-formats --example conversion`.
#![expect(clippy::print_stdout, reason = "a report for the person who runs it")]

#[path = "../million/clock.rs"]
mod clock;
mod samples;

use std::hint::black_box;

use allocation_counter::measure;
use hub_formats::convert::{AnswerPlan, Converter, End, Target, convert_request};
use hub_formats::scan::scan_request;
use hub_formats::tap::UsageTap;
use hub_types::{Dialect, Endpoint};

use clock::micros;
use samples::{DELTAS, MODELS, body_of, events_of, plan, source};

const REQUEST: usize = 100 * 1024;

fn main() {
    requests();
    streams();
}

fn requests() {
    println!(
        "| client's request | KB | scan, MB/s | {} |",
        DIALECTS.map(|to| format!("to {to}, µs")).join(" | ")
    );
    for from in DIALECTS {
        let body = body_of(from, REQUEST);
        let scan = time(|| scan_request(from, black_box(&body)).is_ok(), 8);
        let cells = MODELS.map(|(to, model)| {
            if to == from {
                return "–".to_owned();
            }
            let target = Target::new(to, model);
            let run = || convert_request(source(from, black_box(&body)), &target).is_ok();
            assert!(run(), "{from} to {to}");
            format!("{:.0}", time(run, 4))
        });
        let rate = body.len() as f64 / scan;
        println!("| {from} | {} | {rate:.0} | {} |", body.len() / 1024, cells.join(" | "));
    }
}

const DIALECTS: [Dialect; 5] = Dialect::ALL;

fn streams() {
    println!(
        "\n| upstream | bytes a delta | tap, MB/s | {} |",
        DIALECTS.map(|to| format!("for {to}")).join(" | ")
    );
    for upstream in DIALECTS {
        let events = events_of(upstream);
        let bytes: usize = events.iter().map(Vec::len).sum();
        let tap = || {
            let mut tap = UsageTap::new(upstream, Endpoint::Generate, true);
            for event in &events {
                tap.push(black_box(event));
            }
            tap.finish()
        };
        assert!(tap().completed, "{upstream}");
        let rate = bytes as f64 / time(tap, 1);
        let cells = DIALECTS.map(|client| {
            if client == upstream {
                return "–".to_owned();
            }
            let plan = plan(client, upstream);
            let run = || convert(&plan, &events);
            assert!(run() > bytes / 20, "{upstream} for {client}");
            let each = time(run, 1) * 1e3 / DELTAS as f64;
            let allocations = measure(|| {
                black_box(run());
            });
            let each_allocations = allocations.count_total as f64 / DELTAS as f64;
            format!("{each:.0} ns, {each_allocations:.1} allocations")
        });
        println!("| {upstream} | {} | {rate:.0} | {} |", bytes / DELTAS, cells.join(" | "));
    }
}

/// Each event comes by itself, and what is written for it is sent at once.
fn convert(plan: &AnswerPlan, events: &[Vec<u8>]) -> usize {
    let mut converter = Converter::new(plan.clone());
    let (mut out, mut written) = (Vec::with_capacity(4096), 0);
    for event in events {
        converter.feed(black_box(event), &mut out);
        written += out.len();
        out.clear();
    }
    converter.finish(End::Eof, &mut out);
    written + out.len()
}

/// What a run computes by itself, in microseconds: a tenth of many runs was faster. The others tell what else the
/// machine was doing.
fn time<T>(mut run: impl FnMut() -> T, runs: u32) -> f64 {
    let mut times: Vec<f64> = (0..101)
        .map(|_| {
            let taken = micros(|| {
                for _ in 0..runs {
                    black_box(run());
                }
            });
            taken / f64::from(runs)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 10).copied().unwrap_or_default()
}
