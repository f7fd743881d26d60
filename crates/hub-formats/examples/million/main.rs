//! A million inputs: conversion panics at none of them, needs memory in proportion to their size, and time that
//! grows no faster than they do: `cargo run --release -p hub-formats --example million [inputs] [seed]`.
#![expect(clippy::print_stdout, reason = "a report for the person who runs it")]
#![expect(clippy::indexing_slicing, reason = "a wrong index ends the run, as it should")]

mod check;
mod clock;
mod growth;
mod inputs;
mod random;

use std::time::Instant;

use check::Plans;
use clock::micros;
use inputs::Samples;
use random::Random;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let (count, seed) = (arguments.next().unwrap_or(1_000_000), arguments.next().unwrap_or(1));
    growth::report();
    let (samples, plans) = (Samples::new(), Plans::new());
    let (mut slowest, mut largest) = ((0.0_f64, 0), (0.0_f64, 0_u64));
    let mut bytes = 0;
    let begun = Instant::now();
    for number in 0..count {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(number));
        let is_request = random.once_in(2);
        let (dialect, input) =
            if is_request { samples.request(&mut random) } else { samples.answer(&mut random) };
        bytes += input.len();
        let (mut most, size) = (0, input.len() as u64);
        let taken = micros(|| {
            most = if is_request {
                check::request(dialect, &input, &mut random)
            } else {
                check::answer(plans.any(dialect, &mut random), &input, &mut random)
            };
        });
        if taken > slowest.0 {
            slowest = (taken, number);
        }
        let factor = most as f64 / (size + 1024) as f64;
        if factor > largest.0 {
            largest = (factor, number);
        }
    }
    println!("{count} inputs with {} MB in {:.0} s", bytes / 1_000_000, begun.elapsed().as_secs_f64());
    println!("slowest: {:.1} ms (input {})", slowest.0 / 1e3, slowest.1);
    println!(
        "most memory: {:.1} bytes for each byte of input and a KB beside (input {})",
        largest.0, largest.1
    );
}
