use super::*;

fn opened(at: Instant) -> Gate {
    let mut gate = Gate::new();
    for expected in [None, None, Some(Change::Opened)] {
        assert_eq!(gate.enter(at), Entry::Free);
        assert_eq!(gate.leave(Entry::Free, Outcome::TooSlow, at), expected);
    }
    gate
}

#[test]
fn three_time_outs_in_a_row_open_it_and_an_answer_in_between_begins_anew() {
    let now = Instant::now();
    let mut gate = Gate::new();
    for _ in 0..5 {
        gate.leave(Entry::Free, Outcome::TooSlow, now);
        gate.leave(Entry::Free, Outcome::TooSlow, now);
        assert_eq!(gate.leave(Entry::Free, Outcome::Answered, now), None);
    }
    assert!(!gate.is_open());
    assert!(opened(now).is_open());
}

#[test]
fn what_nobody_knows_the_end_of_neither_counts_nor_begins_anew() {
    let now = Instant::now();
    let mut gate = Gate::new();
    for _ in 0..2 {
        gate.leave(Entry::Free, Outcome::TooSlow, now);
        assert_eq!(gate.leave(Entry::Free, Outcome::Unknown, now), None);
    }
    assert_eq!(gate.leave(Entry::Free, Outcome::TooSlow, now), Some(Change::Opened));
}

#[test]
fn open_it_skips_for_a_second_and_then_lets_one_at_a_time_try() {
    let now = Instant::now();
    let mut gate = opened(now);
    assert_eq!(gate.enter(now + PAUSE - Duration::from_millis(1)), Entry::Skip);
    let later = now + PAUSE;
    assert_eq!(gate.enter(later), Entry::Trial);
    assert_eq!(gate.enter(later), Entry::Skip);
    assert_eq!(gate.leave(Entry::Trial, Outcome::Answered, later), Some(Change::Closed));
    assert_eq!(gate, Gate::new());
}

#[test]
fn a_trial_that_times_out_begins_the_next_second() {
    let now = Instant::now();
    let mut gate = opened(now);
    let later = now + PAUSE;
    assert_eq!(gate.enter(later), Entry::Trial);
    let end = later + Duration::from_millis(200);
    assert_eq!(gate.leave(Entry::Trial, Outcome::TooSlow, end), None);
    assert_eq!(gate.enter(end + PAUSE - Duration::from_millis(1)), Entry::Skip);
    assert_eq!(gate.enter(end + PAUSE), Entry::Trial);
}

#[test]
fn a_trial_that_is_given_up_or_finds_redis_unreachable_makes_room_for_the_next() {
    let now = Instant::now();
    let mut gate = opened(now);
    let later = now + PAUSE;
    for _ in 0..3 {
        assert_eq!(gate.enter(later), Entry::Trial);
        assert_eq!(gate.leave(Entry::Trial, Outcome::Unknown, later), None);
    }
    assert!(gate.is_open());
}

#[test]
fn of_those_who_went_before_it_opened_a_time_out_changes_nothing_and_an_answer_closes_it() {
    let now = Instant::now();
    let mut gate = opened(now);
    let before = gate;
    assert_eq!(gate.leave(Entry::Free, Outcome::TooSlow, now + PAUSE / 2), None);
    assert_eq!(gate, before);
    assert_eq!(gate.leave(Entry::Free, Outcome::Answered, now), Some(Change::Closed));
}
