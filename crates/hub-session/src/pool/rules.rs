//! When a request moves the pool on to another member.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use hub_types::SessionId;

use super::PoolState;

/// How the pool is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolRules {
    /// Is the current session lent (USE_SESSION_POOL)? Sessions are collected either way.
    pub enabled: bool,
    /// With fewer members the current one stays (SESSION_POOL_MIN_SIZE).
    pub min_size: usize,
    /// The most members (SESSION_POOL_MAX_SIZE).
    pub max_size: usize,
    /// How likely a request moves the pool on, 0 to 1 (SESSION_SWITCH_PROBABILITY).
    pub switch_probability: f64,
    /// The least time between two such moves (SESSION_MIN_SWITCH_INTERVAL_MS).
    pub min_switch_interval: Duration,
}

impl Default for PoolRules {
    fn default() -> Self {
        Self {
            enabled: false,
            min_size: 3,
            max_size: 20,
            switch_probability: 0.1,
            min_switch_interval: Duration::from_secs(300),
        }
    }
}

impl PoolRules {
    /// The member to move on to at this request, if it is one that moves the pool on. Of the 64 random bits the
    /// lower half says whether, the upper half to whom; the same bits always give the same answer.
    pub fn next<'a>(&self, pool: &'a PoolState, chance: u64, now: Timestamp) -> Option<&'a SessionId> {
        const WHOLE: f64 = 4_294_967_296.0; // 2^32
        let [whether, whom] = halves(chance);
        let is_drawn = f64::from(whether) < self.switch_probability * WHOLE;
        if !is_drawn || pool.current.is_none() || pool.members.len() < self.min_size {
            return None;
        }
        let interval = SignedDuration::try_from(self.min_switch_interval).unwrap_or(SignedDuration::MAX);
        let is_time = pool.last_switch.is_none_or(|last| now.duration_since(last) >= interval);
        if is_time { pool.another(whom) } else { None }
    }
}

/// The lower and the upper half.
pub(super) fn halves(chance: u64) -> [u32; 2] {
    [chance & u64::from(u32::MAX), chance >> 32].map(|half| u32::try_from(half).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hub_types::SessionId;
    use jiff::Timestamp;

    use super::{PoolRules, PoolState};

    const LAST: i64 = 1_700_000_000_000;

    fn pool(members: usize, last_switch: Option<i64>) -> PoolState {
        let session = |n| SessionId::parse(&format!("k1.s{n}")).unwrap();
        PoolState {
            members: (0..members).map(session).collect(),
            current: (members > 0).then(|| session(0)),
            last_switch: last_switch.map(|ms| Timestamp::from_millisecond(ms).unwrap()),
        }
    }

    fn rules(switch_probability: f64) -> PoolRules {
        PoolRules {
            switch_probability,
            min_switch_interval: Duration::from_millis(500),
            ..PoolRules::default()
        }
    }

    #[test]
    fn the_pool_moves_on_by_chance_after_its_interval_and_with_enough_members() {
        const HALF: u64 = 1 << 31;
        const OTHER: u64 = 0xffff_ffff << 32;
        for (name, members, last, since, probability, chance, expected) in [
            ("first of the others", 3, None, 0, 0.5, 0, Some("k1.s1")),
            ("last of the others", 3, None, 0, 0.5, OTHER, Some("k1.s2")),
            ("just drawn", 3, None, 0, 0.5, HALF - 1, Some("k1.s1")),
            ("just not drawn", 3, None, 0, 0.5, HALF, None),
            ("never", 3, None, 0, 0.0, 0, None),
            ("always", 3, None, 0, 1.0, u64::MAX, Some("k1.s2")),
            ("interval over", 3, Some(LAST), 500, 1.0, 0, Some("k1.s1")),
            ("interval not over", 3, Some(LAST), 499, 1.0, 0, None),
            ("clock behind the last switch", 3, Some(LAST), -1000, 1.0, 0, None),
            ("too few members", 2, None, 0, 1.0, 0, None),
            ("nobody there", 0, None, 0, 1.0, 0, None),
        ] {
            let pool = pool(members, last);
            let now = Timestamp::from_millisecond(LAST + since).unwrap();
            let next = rules(probability).next(&pool, chance, now);
            assert_eq!(next.map(SessionId::as_str), expected, "{name}");
        }
    }

    #[test]
    fn a_lone_member_has_nobody_to_move_on_to_and_a_current_one_that_left_is_moved_away_from() {
        let now = Timestamp::from_millisecond(LAST).unwrap();
        let rules = PoolRules { min_size: 1, ..rules(1.0) };
        assert_eq!(rules.next(&pool(1, None), 0, now), None);
        let mut left = pool(1, None);
        left.current = Some(SessionId::parse("k1.gone").unwrap());
        assert_eq!(rules.next(&left, u64::MAX, now).map(SessionId::as_str), Some("k1.s0"));
    }

    #[test]
    fn over_many_requests_the_share_is_the_probability() {
        let pool = pool(3, None);
        let now = Timestamp::from_millisecond(LAST).unwrap();
        let rules = rules(0.1);
        // Evenly spread bits in the place of random ones.
        let drawn = (0..10_000_u64).filter(|n| rules.next(&pool, n * ((1 << 32) / 10_000), now).is_some());
        assert_eq!(drawn.count(), 1001);
    }
}
