//! The same provider once more: after failures in which nothing of an answer came, and a little later, so that
//! whoever restarts behind the address has the time to.

use std::time::{Duration, Instant};

use hub_routing::verdict;
use hub_types::RequestId;

use crate::attempt::Underway;
use crate::failure::Failure;

/// Bounds of the pause before a further try, ms.
const SHORTEST_MS: u64 = 50;
const LONGEST_MS: u64 = 500;

/// How long to wait before the provider is tried again, which has had `retries` further tries by now. `None`: it
/// is not tried again. `budget` is when the time for attempts is over.
pub(crate) fn pause(
    failure: &Failure,
    underway: &Underway,
    retries: u32,
    budget: Instant,
) -> Option<Duration> {
    // Where a head came, the request may have been carried out. A rule may know better.
    let was_not_heard = underway.record.status.is_none() || failure.rule().is_some();
    let may_retry = verdict(failure.class()).same_provider && was_not_heard;
    if !may_retry || underway.is_final || retries >= underway.upstream.provider.max_retry_attempts {
        return None;
    }
    let pause = back_off(underway.request, retries);
    (Instant::now() + pause < budget).then_some(pause)
}

/// Chance is an input: requests that failed together come back one by one, and the same request waits as long
/// whenever it is asked.
fn back_off(request: RequestId, retries: u32) -> Duration {
    // The lower half of a UUIDv7 is chance.
    let seed = request.0.as_u64_pair().1.wrapping_add(u64::from(retries).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mixed = (seed ^ (seed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    Duration::from_millis(SHORTEST_MS + (mixed ^ (mixed >> 32)) % (LONGEST_MS - SHORTEST_MS + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_lie_within_their_bounds_and_spread_over_all_of_them() {
        let pauses: Vec<u64> =
            (0..5000).map(|_| u64::try_from(back_off(RequestId::fresh(), 0).as_millis()).unwrap()).collect();
        assert!(pauses.iter().all(|pause| (SHORTEST_MS..=LONGEST_MS).contains(pause)));
        for tenth in 0..10 {
            let from = SHORTEST_MS + tenth * 45;
            let share = pauses.iter().filter(|pause| (from..from + 45).contains(*pause)).count();
            assert!((300..700).contains(&share), "{share} of 5000 from {from} ms");
        }
    }

    #[test]
    fn a_request_waits_the_same_whenever_it_is_asked_and_not_the_same_each_time() {
        let request = RequestId::fresh();
        assert_eq!(back_off(request, 0), back_off(request, 0));
        let differing = (0..20).filter(|retry| back_off(request, *retry) != back_off(request, retry + 1));
        assert!(differing.count() > 15);
    }
}
