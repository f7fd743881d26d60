//! How long a storm is and what it is made of: a short one, unless the environment asks for more.

use std::path::PathBuf;
use std::time::Duration;

use crate::harness::Chance;

/// One storm. The same seed gives the same faults, edits and departures; how they meet is up to the machine.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) storm: Duration,
    /// A shorter storm before it, after which memory is measured first.
    pub(super) warm_up: Duration,
    pub(super) talkers: usize,
    /// Where the figures go as JSON.
    pub(super) json: Option<PathBuf>,
    /// Parts that are left out, to find out which one does the damage: vendors, redis, postgres, edits, leaving.
    without: Vec<String>,
    /// Say how it goes on while it goes on.
    pub(super) is_told: bool,
    /// How much memory a hub may have gained, in percent of what it had after the warm-up.
    pub(super) growth_percent: u64,
}

/// In a storm of seconds the caches are not full yet when memory is measured first.
const SHORT_GROWTH: u64 = 25;
const LONG_GROWTH: u64 = 10;

impl Plan {
    /// `HUB_CHAOS_SECONDS`, `HUB_CHAOS_TALKERS`, `HUB_CHAOS_WITHOUT`, `HUB_CHAOS_JSON` and `HUB_TEST_SEED`.
    pub(super) fn read() -> Self {
        let text = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
        let number = |name: &str| text(name).map(|value| value.parse::<u64>().unwrap());
        let asked = number("HUB_CHAOS_SECONDS");
        let storm = Duration::from_secs(asked.unwrap_or(12));
        Self {
            seed: Chance::fresh("chaos").seed(),
            storm,
            warm_up: (storm / 3).clamp(Duration::from_secs(4), Duration::from_secs(60)),
            talkers: usize::try_from(number("HUB_CHAOS_TALKERS").unwrap_or(20)).unwrap(),
            json: text("HUB_CHAOS_JSON").map(PathBuf::from),
            without: text("HUB_CHAOS_WITHOUT").unwrap_or_default().split(',').map(str::to_owned).collect(),
            is_told: asked.is_some(),
            growth_percent: if storm < Duration::from_secs(60) { SHORT_GROWTH } else { LONG_GROWTH },
        }
    }

    /// Does this part take place?
    pub(super) fn has(&self, part: &str) -> bool {
        !self.without.iter().any(|left_out| left_out == part)
    }

    /// Chance of its own for each part, so that one part's pace does not change what another one does.
    pub(super) fn chance(&self, part: &str) -> Chance {
        let folded = part.bytes().fold(self.seed, |sum, byte| sum.rotate_left(9) ^ u64::from(byte));
        Chance::seeded(folded)
    }
}
