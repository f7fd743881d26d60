//! What this thread has computed. The time on the wall also has in it what other programs do.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Time of the processor that `run` takes, in microseconds.
pub(crate) fn micros(run: impl FnOnce()) -> f64 {
    let start = now();
    run();
    now().saturating_sub(start).as_secs_f64() * 1e6
}

fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}
