//! What an answer means that comes while something else happens.

use super::Entry;
use crate::state::{BreakerState, Phase};

const OPEN: BreakerState = BreakerState {
    phase: Phase::Open,
    failures: 3,
    opened_at: 1000,
    half_open_successes: 0,
    trial_until: 0,
    changed_at: 1000,
};

fn counted(failures: u32) -> BreakerState {
    BreakerState { failures, ..BreakerState::default() }
}

/// It was changed at turn 5.
fn entry(state: BreakerState, is_untold: bool) -> Entry {
    Entry { state, is_untold, read_at: Some(0), turn: 5, kept_until: 0 }
}

fn heard(mut entry: Entry, said: BreakerState, sent: u64) -> (BreakerState, bool, Option<i64>) {
    entry.hear(said, sent, 9, 2000);
    (entry.state, entry.is_untold, entry.read_at)
}

#[test]
fn an_answer_to_what_was_sent_after_the_last_change_is_the_truth() {
    assert_eq!(heard(entry(counted(2), false), counted(0), 6), (counted(0), false, Some(2000)));
    assert_eq!(heard(entry(counted(2), false), OPEN, 6), (OPEN, false, Some(2000)));
    assert_eq!(heard(entry(counted(2), true), counted(2), 6), (counted(2), false, Some(2000)));
}

#[test]
fn an_answer_that_was_overtaken_undoes_no_transition_and_redis_is_asked_again() {
    assert_eq!(heard(entry(OPEN, false), counted(2), 4), (OPEN, false, None));
    assert_eq!(heard(entry(OPEN, true), counted(2), 4), (OPEN, true, None));
    // Of two answers to events that were sent together the second comes last, nearly always.
    assert_eq!(heard(entry(counted(1), false), counted(2), 4), (counted(2), false, None));
}

#[test]
fn what_happened_without_redis_meanwhile_stays_untold_unless_redis_knows_better() {
    assert_eq!(heard(entry(counted(2), true), counted(0), 4), (counted(2), true, None));
    assert_eq!(heard(entry(counted(2), true), OPEN, 4), (OPEN, false, None));
}

#[test]
fn what_redis_has_lost_is_to_be_told_again() {
    assert_eq!(heard(entry(OPEN, false), counted(0), 6), (OPEN, true, None));
    let closed = BreakerState { changed_at: 2000, ..BreakerState::default() };
    assert_eq!(heard(entry(closed, false), counted(0), 6), (closed, false, Some(2000)));
    assert_eq!(heard(entry(closed, false), OPEN, 6), (closed, true, None));
}
