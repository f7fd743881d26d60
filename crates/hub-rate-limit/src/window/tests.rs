//! Windows by the calendar, over the edges of days, weeks, months, years and of daylight saving time.

use jiff::Timestamp;
use jiff::civil::{Time, time};
use jiff::tz::TimeZone;

use super::{Span, day, month, week};

const SHANGHAI: &str = "Asia/Shanghai";
const BERLIN: &str = "Europe/Berlin";
const NEW_YORK: &str = "America/New_York";

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn hour(hour: i8) -> Time {
    time(hour, 0, 0, 0)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn told(span: Span) -> (String, String) {
    let tell = |ms| Timestamp::from_millisecond(ms).unwrap().to_string();
    (tell(span.start), tell(span.end))
}

/// Zone, reset time, now, the window's start and end.
type Case<'a> = (&'a str, Time, &'a str, &'a str, &'a str);

fn hold(cases: &[Case<'_>], window: impl Fn(&TimeZone, Time, Timestamp) -> Span) {
    for (name, reset, now, start, end) in cases {
        let got = told(window(&zone(name), *reset, at(now)));
        assert_eq!(got, ((*start).to_owned(), (*end).to_owned()), "{now} in {name}, reset at {reset}");
    }
}

#[test]
fn days_begin_at_their_reset_time() {
    let midnight = Time::midnight();
    hold(
        &[
            ("UTC", midnight, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            ("UTC", midnight, "2025-12-31T23:59:59.999Z", "2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z"),
            (SHANGHAI, midnight, "2026-01-01T12:00:00Z", "2025-12-31T16:00:00Z", "2026-01-01T16:00:00Z"),
            (SHANGHAI, midnight, "2026-01-01T16:00:00Z", "2026-01-01T16:00:00Z", "2026-01-02T16:00:00Z"),
            (
                SHANGHAI,
                time(18, 30, 0, 0),
                "2026-02-28T10:29:59Z",
                "2026-02-27T10:30:00Z",
                "2026-02-28T10:30:00Z",
            ),
            (
                SHANGHAI,
                time(18, 30, 0, 0),
                "2026-02-28T10:30:00Z",
                "2026-02-28T10:30:00Z",
                "2026-03-01T10:30:00Z",
            ),
            (BERLIN, midnight, "2026-07-01T12:00:00Z", "2026-06-30T22:00:00Z", "2026-07-01T22:00:00Z"),
            (NEW_YORK, midnight, "2026-01-01T04:59:59Z", "2025-12-31T05:00:00Z", "2026-01-01T05:00:00Z"),
            (
                NEW_YORK,
                time(23, 59, 0, 0),
                "2024-02-29T12:00:00Z",
                "2024-02-29T04:59:00Z",
                "2024-03-01T04:59:00Z",
            ),
        ],
        day,
    );
}

#[test]
fn days_with_a_jump_of_the_clock_are_shorter_or_longer() {
    let midnight = Time::midnight();
    hold(
        &[
            // 23 and 25 hours.
            (BERLIN, midnight, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            (BERLIN, midnight, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            (NEW_YORK, midnight, "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
            (NEW_YORK, midnight, "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ],
        day,
    );
}

#[test]
fn a_skipped_reset_time_falls_to_the_first_instant_after_the_gap() {
    let half_past_two = time(2, 30, 0, 0);
    hold(
        &[
            (BERLIN, half_past_two, "2026-03-29T00:59:59Z", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"),
            (BERLIN, half_past_two, "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
            (NEW_YORK, half_past_two, "2026-03-08T06:59:59Z", "2026-03-07T07:30:00Z", "2026-03-08T07:00:00Z"),
            (NEW_YORK, half_past_two, "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"),
            // Both ends of the gap: the first time that is skipped, and the first one that is not.
            (
                BERLIN,
                time(2, 0, 0, 0),
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:00:00Z",
                "2026-03-30T00:00:00Z",
            ),
            (
                BERLIN,
                time(3, 0, 0, 0),
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:00:00Z",
                "2026-03-30T01:00:00Z",
            ),
            // A place that skipped the whole of December 30.
            (
                "Pacific/Apia",
                time(12, 0, 0, 0),
                "2011-12-30T09:59:59Z",
                "2011-12-29T22:00:00Z",
                "2011-12-30T10:00:00Z",
            ),
            (
                "Pacific/Apia",
                time(12, 0, 0, 0),
                "2011-12-30T10:00:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T22:00:00Z",
            ),
        ],
        day,
    );
}

#[test]
fn a_doubled_reset_time_falls_to_the_first_of_both() {
    let half_past_two = time(2, 30, 0, 0);
    let half_past_one = time(1, 30, 0, 0);
    hold(
        &[
            (BERLIN, half_past_two, "2026-10-25T00:29:59Z", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"),
            (BERLIN, half_past_two, "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            // The second half past two starts nothing.
            (BERLIN, half_past_two, "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            (NEW_YORK, half_past_one, "2026-11-01T05:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"),
            (NEW_YORK, half_past_one, "2026-11-01T06:30:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"),
            // Both ends of what is doubled: the first time that is, and the first one that is not.
            (BERLIN, hour(2), "2026-10-25T01:00:00Z", "2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"),
            (BERLIN, hour(3), "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"),
            (NEW_YORK, hour(1), "2026-11-01T06:00:00Z", "2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z"),
            (NEW_YORK, hour(2), "2026-11-01T07:00:00Z", "2026-11-01T07:00:00Z", "2026-11-02T07:00:00Z"),
        ],
        day,
    );
}

#[test]
fn weeks_begin_on_monday() {
    let midnight = Time::midnight();
    hold(
        &[
            ("UTC", midnight, "2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"),
            ("UTC", midnight, "2026-01-04T23:59:59Z", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"),
            (SHANGHAI, midnight, "2026-01-04T15:59:59Z", "2025-12-28T16:00:00Z", "2026-01-04T16:00:00Z"),
            (SHANGHAI, midnight, "2026-01-04T16:00:00Z", "2026-01-04T16:00:00Z", "2026-01-11T16:00:00Z"),
            (BERLIN, midnight, "2026-03-29T21:59:59Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
            (BERLIN, midnight, "2026-10-25T22:59:59Z", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"),
            (NEW_YORK, midnight, "2026-03-09T03:59:59Z", "2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"),
            (NEW_YORK, midnight, "2026-11-02T05:00:00Z", "2026-11-02T05:00:00Z", "2026-11-09T05:00:00Z"),
        ],
        |zone, _, now| week(zone, now),
    );
}

#[test]
fn months_begin_on_the_first() {
    let midnight = Time::midnight();
    hold(
        &[
            ("UTC", midnight, "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("UTC", midnight, "2025-12-31T23:59:59Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("UTC", midnight, "2026-01-31T12:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            (SHANGHAI, midnight, "2025-12-31T16:00:00Z", "2025-12-31T16:00:00Z", "2026-01-31T16:00:00Z"),
            (BERLIN, midnight, "2026-03-31T21:59:59Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
            (BERLIN, midnight, "2026-10-15T00:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
            (NEW_YORK, midnight, "2026-11-01T04:00:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"),
            (NEW_YORK, midnight, "2026-03-08T07:00:00Z", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"),
            (NEW_YORK, midnight, "2026-01-01T04:59:59Z", "2025-12-01T05:00:00Z", "2026-01-01T05:00:00Z"),
        ],
        |zone, _, now| month(zone, now),
    );
}

#[test]
fn windows_touch_all_through_the_year() {
    for name in [SHANGHAI, BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe", "America/Sao_Paulo"] {
        let zone = zone(name);
        for reset in [Time::midnight(), time(1, 30, 0, 0), time(2, 15, 0, 0), time(23, 59, 59, 0)] {
            let mut now = at("2018-01-31T00:00:00Z");
            let mut last = day(&zone, reset, now);
            while now < at("2019-04-30T00:00:00Z") {
                now += jiff::SignedDuration::from_mins(667);
                let span = day(&zone, reset, now);
                assert!(span.contains(now.as_millisecond()), "{now} in {name}");
                assert!(span == last || span.start == last.end, "{now} in {name}");
                for longer in [week(&zone, now), month(&zone, now)] {
                    assert!(longer.contains(now.as_millisecond()), "{now} in {name}");
                }
                last = span;
            }
        }
    }
}

#[test]
fn there_is_a_window_at_the_ends_of_time() {
    for now in [Timestamp::MIN, Timestamp::MAX] {
        for span in [
            day(&zone(BERLIN), Time::midnight(), now),
            week(&zone(NEW_YORK), now),
            month(&zone(SHANGHAI), now),
        ] {
            assert!(span.contains(now.as_millisecond()), "{now}: {span:?}");
        }
    }
}
