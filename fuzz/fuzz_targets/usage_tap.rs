//! However an answer is cut, the tap reports the same.
#![no_main]

use hub_formats::tap::{TapReport, UsageTap};
use hub_types::{Dialect, Endpoint};
use libfuzzer_sys::fuzz_target;

fn tap<'a>(dialect: Dialect, stream: bool, chunks: impl Iterator<Item = &'a [u8]>) -> TapReport {
    let mut tap = UsageTap::new(dialect, Endpoint::Generate, stream);
    for chunk in chunks {
        tap.push(chunk);
    }
    tap.finish()
}

fuzz_target!(|input: &[u8]| {
    let Some((&size, answer)) = input.split_first() else { return };
    let size = usize::from(size).max(1);
    for dialect in Dialect::ALL {
        for stream in [false, true] {
            let whole = tap(dialect, stream, std::iter::once(answer));
            assert_eq!(tap(dialect, stream, answer.chunks(size)), whole);
            assert!(whole.usage.is_none_or(|usage| usage.total_input() < 1 << 60 && usage.output < 1 << 60));
        }
    }
});
