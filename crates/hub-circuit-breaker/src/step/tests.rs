//! The machine, case by case and over random histories.

use proptest::prelude::*;

use super::{Event, aged, health, reopens_at, step};
use crate::config::{BreakerConfig, TRIAL_LEASE_MS};
use crate::state::{BreakerHealth, BreakerState, Phase, Trial};

const CONFIG: BreakerConfig =
    BreakerConfig { failure_threshold: 3, open_duration_ms: 1000, half_open_success_threshold: 2 };
const SUCCESS: Event = Event::Success { trial: None };
const FAILURE: Event = Event::Failure { trial: None };

fn after(events: &[(i64, Event)]) -> BreakerState {
    events.iter().fold(BreakerState::default(), |state, (now, event)| step(state, *event, *now, CONFIG))
}

/// Open since 5000.
fn open() -> BreakerState {
    after(&[(5000, FAILURE), (5000, FAILURE), (5000, FAILURE)])
}

/// Half-open at 6000.
fn half_open() -> BreakerState {
    let state = step(open(), Event::TrialTaken, 6000, CONFIG);
    step(state, Event::TrialGivenBack { trial: Trial { until: state.trial_until } }, 6000, CONFIG)
}

#[test]
fn only_failures_in_a_row_open() {
    let mut state = after(&[(1, FAILURE), (2, FAILURE), (3, SUCCESS), (4, FAILURE), (5, FAILURE)]);
    assert_eq!((state.phase, state.failures), (Phase::Closed, 2));
    state = step(state, FAILURE, 6, CONFIG);
    assert_eq!((state.phase, state.failures, state.opened_at), (Phase::Open, 3, 6));
}

#[test]
fn what_ends_while_it_is_open_changes_nothing() {
    for event in [SUCCESS, FAILURE, Event::TrialTaken, Event::TrialGivenBack { trial: Trial { until: 0 } }] {
        assert_eq!(step(open(), event, 5999, CONFIG), open(), "{event:?}");
    }
}

#[test]
fn it_is_half_open_when_its_time_is_over() {
    assert_eq!(health(open(), 5999, CONFIG), BreakerHealth::Open { reopens_at: 6000 });
    assert_eq!(health(open(), 6000, CONFIG), BreakerHealth::HalfOpen);
    assert_eq!(half_open().phase, Phase::HalfOpen);
}

#[test]
fn a_failure_in_half_open_opens_again_from_then() {
    let state = step(half_open(), FAILURE, 6500, CONFIG);
    assert_eq!((state.phase, state.opened_at, state.failures), (Phase::Open, 6500, 4));
    // Also where nothing has happened since the time was over.
    assert_eq!(step(open(), FAILURE, 6500, CONFIG), step(half_open(), FAILURE, 6500, CONFIG));
}

#[test]
fn enough_successes_close() {
    let once = step(half_open(), SUCCESS, 6100, CONFIG);
    assert_eq!((once.phase, once.half_open_successes), (Phase::HalfOpen, 1));
    let twice = step(once, SUCCESS, 6200, CONFIG);
    assert_eq!(twice, BreakerState { changed_at: 6200, ..BreakerState::default() });
    // A failure between them begins anew.
    let again = step(step(once, FAILURE, 6200, CONFIG), SUCCESS, 7300, CONFIG);
    assert_eq!((again.phase, again.half_open_successes), (Phase::HalfOpen, 1));
}

#[test]
fn one_trial_at_a_time_and_its_lease_ends_by_itself() {
    let taken = step(half_open(), Event::TrialTaken, 6000, CONFIG);
    let until = 6000 + TRIAL_LEASE_MS;
    assert_eq!(health(taken, 6000, CONFIG), BreakerHealth::OnTrial { until });
    assert_eq!(step(taken, Event::TrialTaken, until - 1, CONFIG), taken);
    let next = step(taken, Event::TrialTaken, until, CONFIG);
    assert_eq!(next.trial_until, until + TRIAL_LEASE_MS);
    // Whoever had the first does not end the second.
    let late = Trial { until };
    assert_eq!(step(next, Event::TrialGivenBack { trial: late }, until, CONFIG), next);
    let success = step(next, Event::Success { trial: Some(late) }, until, CONFIG);
    assert_eq!((success.trial_until, success.half_open_successes), (next.trial_until, 1));
    let own = Trial { until: next.trial_until };
    assert_eq!(step(next, Event::TrialGivenBack { trial: own }, until, CONFIG).trial_until, 0);
    assert_eq!(step(next, Event::Success { trial: Some(own) }, until, CONFIG).trial_until, 0);
}

#[test]
fn a_reset_closes_whatever_was() {
    for state in [BreakerState::default(), after(&[(1, FAILURE)]), open(), half_open()] {
        let reset = step(state, Event::Reset, 9000, CONFIG);
        assert_eq!(reset, BreakerState { changed_at: 9000, ..BreakerState::default() });
    }
}

#[test]
fn a_successful_probe_makes_it_half_open_early() {
    let probed = step(open(), Event::ProbeSuccess, 5100, CONFIG);
    assert_eq!(health(probed, 5100, CONFIG), BreakerHealth::HalfOpen);
    for state in [BreakerState::default(), after(&[(1, FAILURE)]), half_open()] {
        assert_eq!(step(state, Event::ProbeSuccess, 6000, CONFIG), state);
    }
}

#[test]
fn without_a_threshold_it_never_opens_and_what_is_open_closes() {
    let off = BreakerConfig { failure_threshold: 0, ..CONFIG };
    let mut state = BreakerState::default();
    for now in 0..100 {
        state = step(state, FAILURE, now, off);
    }
    assert_eq!(state, BreakerState::default());
    assert_eq!(health(open(), 5000, off), BreakerHealth::Closed);
    assert_eq!(step(open(), FAILURE, 5001, off).phase, Phase::Closed);
}

#[test]
fn extreme_settings_and_times_are_harmless() {
    let most =
        BreakerConfig { failure_threshold: 1, open_duration_ms: u64::MAX, half_open_success_threshold: 0 };
    let state = step(BreakerState::default(), FAILURE, i64::MAX, most);
    assert_eq!(state.phase, Phase::Open);
    let state = step(state, Event::ProbeSuccess, i64::MAX, most);
    let state = step(state, Event::TrialTaken, i64::MAX, most);
    // 0 successes count as one.
    assert_eq!(step(state, SUCCESS, i64::MIN, most).phase, Phase::Closed);
}

fn event() -> impl Strategy<Value = Event> {
    let trial = || prop_oneof![Just(None), (0..200_000_i64).prop_map(|until| Some(Trial { until }))];
    prop_oneof![
        6 => trial().prop_map(|trial| Event::Failure { trial }),
        4 => trial().prop_map(|trial| Event::Success { trial }),
        4 => Just(Event::TrialTaken),
        1 => (0..200_000_i64).prop_map(|until| Event::TrialGivenBack { trial: Trial { until } }),
        1 => Just(Event::Reset),
        1 => Just(Event::ProbeSuccess),
    ]
}

fn config() -> impl Strategy<Value = BreakerConfig> {
    (0..5_u32, 0..4000_u64, 0..4_u32).prop_map(
        |(failure_threshold, open_duration_ms, half_open_success_threshold)| BreakerConfig {
            failure_threshold,
            open_duration_ms,
            half_open_success_threshold,
        },
    )
}

fn history() -> impl Strategy<Value = Vec<(i64, Event)>> {
    let pass = prop_oneof![4 => 0..300_i64, 2 => 900..4000_i64, 1 => 59_000..62_000_i64];
    proptest::collection::vec((pass, event()), 1..60).prop_map(|steps| {
        let mut now = 0;
        let mut at = |passed| {
            now += passed;
            now
        };
        steps.into_iter().map(|(passed, event)| (at(passed), event)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_promises(config in config(), history in history()) {
        let mut state = BreakerState::default();
        // Told in another way: failures since the last success or change.
        let mut in_a_row = 0;
        for (now, event) in history {
            let before = aged(state, now, config);
            let stood = health(state, now, config);
            prop_assert_eq!(stood, health(before, now, config), "time passes once");
            state = step(state, event, now, config);
            let stands = health(state, now, config);
            prop_assert!(state.changed_at >= before.changed_at);
            prop_assert_eq!(state.changed_at > before.changed_at,
                state.phase != before.phase || event == Event::Reset);
            match event {
                Event::Failure { .. } if before.phase == Phase::Closed => in_a_row += 1,
                Event::Success { .. } if before.phase == Phase::Closed => in_a_row = 0,
                _ => {}
            }
            let opens = match (before.phase, event) {
                (Phase::Closed, Event::Failure { .. }) => {
                    config.failure_threshold > 0 && in_a_row >= config.failure_threshold
                }
                (Phase::HalfOpen, Event::Failure { .. }) => true,
                _ => false,
            };
            let is_open = state.phase == Phase::Open;
            prop_assert_eq!(opens, is_open && state.changed_at > before.changed_at);
            if opens {
                prop_assert_eq!((state.opened_at, state.half_open_successes, state.trial_until), (now, 0, 0));
                prop_assert_eq!(reopens_at(state, config), now + config.open_ms());
            }
            if state.phase != Phase::Closed || event == Event::Reset {
                in_a_row = 0;
            }
            if state.phase == Phase::Closed {
                let expected = if config.failure_threshold == 0 { 0 } else { in_a_row };
                prop_assert_eq!(state.failures, expected);
                prop_assert_eq!(stands, BreakerHealth::Closed);
                prop_assert_eq!((state.half_open_successes, state.trial_until, state.opened_at), (0, 0, 0));
            }
            if state.phase == Phase::HalfOpen {
                prop_assert!(state.half_open_successes < config.successes());
            }
            // One trial at a time: a lease that runs is not given anew.
            if let (BreakerHealth::OnTrial { until }, BreakerHealth::OnTrial { until: later }) = (stood, stands) {
                prop_assert_eq!(until, later);
            }
            if event == Event::TrialTaken && stood == BreakerHealth::HalfOpen {
                prop_assert_eq!(stands, BreakerHealth::OnTrial { until: now + TRIAL_LEASE_MS });
            }
        }
    }
}
