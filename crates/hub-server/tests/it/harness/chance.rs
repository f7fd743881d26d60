//! Chance that can be repeated: a seed that is printed, and numbers that follow from it.

use std::time::Duration;

/// SplitMix64.
#[derive(Debug)]
pub(crate) struct Chance(u64);

/// Set it to the seed that a failed run printed.
const SEED: &str = "HUB_TEST_SEED";

impl Chance {
    /// A seed from the system, or the one that the environment asks for.
    pub(crate) fn fresh(test: &str) -> Self {
        let asked = std::env::var_os(SEED).and_then(|seed| seed.to_str()?.parse().ok());
        let seed = asked.unwrap_or_else(|| getrandom::u64().unwrap());
        println!("{test}: {SEED}={seed}");
        Self(seed)
    }

    /// What follows from this seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// What it follows from, as long as nothing was drawn.
    pub(crate) const fn seed(&self) -> u64 {
        self.0
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number of milliseconds in a range.
    pub(crate) fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.number() % (range.end - range.start))
    }

    /// True once in `many` times.
    pub(crate) fn once_in(&mut self, many: u64) -> bool {
        self.number().is_multiple_of(many)
    }
}
