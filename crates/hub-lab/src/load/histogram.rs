//! Counts durations in bounded memory.

/// Values below this are counted one by one; above, with ten significant bits (an error below 0.1 %).
const EXACT: u64 = 2048;
const BITS: u32 = 10;

/// A histogram of microseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    buckets: Vec<u32>,
    count: u64,
    max: u64,
}

impl Histogram {
    pub(super) fn add(&mut self, value: u64) {
        let index = index(value);
        if index >= self.buckets.len() {
            self.buckets.resize(index + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket = bucket.saturating_add(1);
        }
        self.count += 1;
        self.max = self.max.max(value);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine = mine.saturating_add(*theirs);
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    pub(super) fn max(&self) -> u64 {
        self.max
    }

    /// The smallest value that at least `percent` of the values do not exceed.
    pub(super) fn percentile(&self, percent: u64) -> u64 {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return upper(index).min(self.max);
            }
        }
        self.max
    }
}

fn index(value: u64) -> usize {
    let index = if value < EXACT {
        value
    } else {
        let shift = value.ilog2() - BITS;
        EXACT + u64::from(shift - 1) * (EXACT / 2) + (value >> shift) - EXACT / 2
    };
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    if index < EXACT {
        return index;
    }
    let above = index - EXACT;
    let shift = above / (EXACT / 2) + 1;
    let top = above % (EXACT / 2) + EXACT / 2;
    ((top + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_their_values_closely() {
        for value in [0, 1, 2047, 2048, 2049, 4095, 4096, 5000, 1_000_000, 60_000_000] {
            let top = upper(index(value));
            assert!(top >= value && (top - value) * 1000 <= value, "{value} in a bucket up to {top}");
        }
        assert!((1..100_000).all(|value| index(value) - index(value - 1) <= 1));
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let (mut low, mut high) = (Histogram::default(), Histogram::default());
        (1..=50).for_each(|value| low.add(value));
        (51..=100).for_each(|value| high.add(value));
        low.merge(&high);
        assert_eq!([50, 90, 99, 100].map(|percent| low.percentile(percent)), [50, 90, 99, 100]);
        assert_eq!(low.max(), 100);
        assert_eq!(Histogram::default().percentile(50), 0);
    }
}
