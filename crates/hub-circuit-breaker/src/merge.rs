//! What becomes of two states of the same breaker, after instances went on without each other.

use crate::state::BreakerState;

/// The newer transition wins; of two at the same time, the more cautious. Where both saw the same transition, what
/// happened since is taken from each: the larger counts, and the longer lease. So it does not matter who merges
/// with whom first, or how often.
#[must_use]
pub fn merge(one: BreakerState, other: BreakerState) -> BreakerState {
    let rank = |state: &BreakerState| (state.changed_at, state.phase);
    match rank(&one).cmp(&rank(&other)) {
        std::cmp::Ordering::Less => other,
        std::cmp::Ordering::Greater => one,
        std::cmp::Ordering::Equal => BreakerState {
            failures: one.failures.max(other.failures),
            opened_at: one.opened_at.max(other.opened_at),
            half_open_successes: one.half_open_successes.max(other.half_open_successes),
            trial_until: one.trial_until.max(other.trial_until),
            ..one
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::merge;
    use crate::state::{BreakerState, Phase};

    fn state() -> impl Strategy<Value = BreakerState> {
        let phase = prop_oneof![Just(Phase::Closed), Just(Phase::HalfOpen), Just(Phase::Open)];
        (phase, 0..4_u32, 0..3_i64, 0..3_u32, 0..3_i64, 0..3_i64).prop_map(
            |(phase, failures, opened_at, half_open_successes, trial_until, changed_at)| BreakerState {
                phase,
                failures,
                opened_at,
                half_open_successes,
                trial_until,
                changed_at,
            },
        )
    }

    proptest! {
        #[test]
        fn it_does_not_matter_who_merges_first_or_how_often(a in state(), b in state(), c in state()) {
            prop_assert_eq!(merge(a, a), a);
            prop_assert_eq!(merge(a, b), merge(b, a));
            prop_assert_eq!(merge(merge(a, b), c), merge(a, merge(b, c)));
        }

        #[test]
        fn the_newer_transition_wins(a in state(), b in state()) {
            let newer = if a.changed_at > b.changed_at { a } else { b };
            prop_assume!(a.changed_at != b.changed_at);
            prop_assert_eq!(merge(a, b), newer);
        }
    }
}
