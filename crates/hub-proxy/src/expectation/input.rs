//! The input of a request, by what is billed differently.

use std::time::Duration;

use hub_types::{Dialect, Usage};
use memchr::memmem;

use super::LastRequest;

/// How far the previous request is believed: a correction beyond four times, up or down, is none of the text but
/// of something that was in one request and need not be in the next.
const MOST_CORRECTION: u64 = 4;
/// How long a vendor keeps what was cached, less some for the way there.
const CACHED_FOR: Duration = Duration::from_secs(5 * 60 - 10);
const CACHED_FOR_LONG: Duration = Duration::from_secs(60 * 60 - 10);

/// The likely input: as much as the body says, corrected, and cached as far as the previous request tells.
pub(super) fn likely(dialect: Dialect, estimated: u64, continues: bool, last: Option<&LastRequest>) -> Usage {
    let Some(last) = last else { return Usage { input: estimated, ..Usage::default() } };
    let total = total(estimated, continues, last);
    let used = last.used;
    let written = used.cache_write_5m.saturating_add(used.cache_write_1h);
    let cached = used.cache_read.saturating_add(written);
    let kept_for = if used.cache_write_1h > 0 { CACHED_FOR_LONG } else { CACHED_FOR };
    let cache_read = if last.age < kept_for { cached.min(total) } else { 0 };
    let rest = total - cache_read;
    // A conversation that was written to a cache goes on being written to it. Only Claude bills that; what was
    // read without ever being written about was written by an earlier request.
    let (input, cache_write_5m, cache_write_1h) = if used.cache_write_1h > 0 {
        (0, 0, rest)
    } else if written > 0 || (dialect == Dialect::Claude && cached > 0) {
        (0, rest, 0)
    } else {
        (rest, 0, 0)
    };
    Usage { input, cache_read, cache_write_5m, cache_write_1h, ..Usage::default() }
}

/// The most: nothing of it comes from a cache, and all is written to the dearest one that the body names.
pub(super) fn worst(
    dialect: Dialect,
    body: &[u8],
    at_most: u64,
    continues: bool,
    last: Option<&LastRequest>,
    likely: &Usage,
) -> Usage {
    // The previous request may raise the bound, not lower it.
    let total =
        last.map_or(at_most, |last| total(at_most, continues, last).max(at_most)).max(likely.total_input());
    let none = Usage::default();
    if dialect != Dialect::Claude {
        Usage { input: total, ..none }
    } else if likely.cache_write_1h > 0 || memmem::find(body, br#""1h""#).is_some() {
        Usage { cache_write_1h: total, ..none }
    } else {
        Usage { cache_write_5m: total, ..none }
    }
}

/// What the previous request says that such an estimate comes to.
fn total(estimated: u64, continues: bool, last: &LastRequest) -> u64 {
    let actual = last.used.total_input();
    if continues {
        // The body holds only what is new; the vendor has the rest.
        return actual.saturating_add(last.used.output).saturating_add(estimated);
    }
    if actual == 0 || last.estimated == 0 {
        return estimated;
    }
    let corrected = u128::from(estimated) * u128::from(actual) / u128::from(last.estimated);
    let corrected = u64::try_from(corrected).unwrap_or(u64::MAX);
    corrected.clamp(estimated / MOST_CORRECTION, estimated.saturating_mul(MOST_CORRECTION))
}
