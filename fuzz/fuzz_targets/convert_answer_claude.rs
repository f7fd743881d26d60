//! Answers in one dialect, as clients of all others get them: no panic, at most one end, and no difference
//! however they are cut.
#![no_main]

use hub_types::Dialect;
use libfuzzer_sys::fuzz_target;

#[path = "../src/answer.rs"]
mod answer;

fuzz_target!(|input: &[u8]| answer::check(Dialect::Claude, input));
