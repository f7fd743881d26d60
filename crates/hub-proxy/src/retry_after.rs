//! When an upstream wants to be asked again.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// What its headers say: `retry-after-ms`, `retry-after` (seconds or a date), or one of the reset times that
/// vendors send with a 429, the longest of them.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |moment: Timestamp| Duration::try_from(moment.duration_since(now)).ok();
    if let Some(pause) = text("retry-after-ms").and_then(milliseconds) {
        return Some(pause);
    }
    if let Some(after) = text("retry-after") {
        return seconds(after).or_else(|| until(rfc2822::parse(after).ok()?.timestamp()));
    }
    let named = |name: &str| name.contains("ratelimit") && name.contains("reset");
    let resets = headers.iter().filter(|(name, _)| named(name.as_str()));
    let resets = resets.filter_map(|(_, value)| value.to_str().ok()?.trim().parse::<Timestamp>().ok());
    resets.filter_map(until).max()
}

fn milliseconds(text: &str) -> Option<Duration> {
    text.parse::<f64>().ok().and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok())
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn said(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        retry_after(&pairs.collect(), "2025-06-11T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn upstreams_say_it_in_seconds_in_milliseconds_and_as_a_moment() {
        let seconds = Duration::from_secs;
        for (headers, expected) in [
            (vec![("retry-after", "7")], Some(seconds(7))),
            (vec![("retry-after", " 0.5 ")], Some(Duration::from_millis(500))),
            (vec![("retry-after-ms", "1500"), ("retry-after", "7")], Some(Duration::from_millis(1500))),
            (vec![("retry-after", "Wed, 11 Jun 2025 12:00:30 GMT")], Some(seconds(30))),
            (vec![("retry-after", "Wed, 11 Jun 2025 11:00:00 GMT")], None),
            (vec![("anthropic-ratelimit-tokens-reset", "2025-06-11T12:00:09Z")], Some(seconds(9))),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "inf")], None),
            (vec![], None),
        ] {
            assert_eq!(said(&headers), expected, "{headers:?}");
        }
    }
}
