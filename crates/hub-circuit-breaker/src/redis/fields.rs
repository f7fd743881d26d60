//! States as Redis has them.

use hub_redis::{Argument, RedisReply};

use crate::state::BreakerState;

/// Nothing there, or nothing that makes sense, is what was never heard of.
pub(super) fn state_of(fields: &[RedisReply]) -> BreakerState {
    let whole = |at: usize| fields.get(at).and_then(RedisReply::int).unwrap_or(0).max(0);
    let count = |at: usize| u32::try_from(whole(at)).unwrap_or(u32::MAX);
    let phase = fields.first().and_then(RedisReply::text).and_then(|text| text.parse().ok());
    BreakerState {
        phase: phase.unwrap_or_default(),
        failures: count(1),
        opened_at: whole(2),
        half_open_successes: count(3),
        trial_until: whole(4),
        changed_at: whole(5),
    }
}

pub(super) fn arguments(state: BreakerState) -> [Argument; 6] {
    [
        state.phase.as_str().into(),
        i64::from(state.failures).into(),
        state.opened_at.into(),
        i64::from(state.half_open_successes).into(),
        state.trial_until.into(),
        state.changed_at.into(),
    ]
}
