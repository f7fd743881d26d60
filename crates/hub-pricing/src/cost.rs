//! The cost function.

use hub_types::{CostBreakdown, Money, Multiplier, ServiceTier, Usage};

use crate::Price;
use crate::decimal::round_half_up;

/// Pico-dollars in a nano-dollar, times the two multipliers' millionths.
const DIVISOR: i128 = 1000 * 1_000_000 * 1_000_000;

/// What a request cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// The sum of the lines.
    pub total: Money,
    /// The lines, multipliers included.
    pub breakdown: CostBreakdown,
    /// The version of the price.
    pub version: i64,
}

/// The cost of one request. Each line is tokens × rate × provider multiplier × group multiplier, computed
/// exactly and rounded once to a nano-dollar, halves up; a line beyond ±9.2 billion USD saturates.
pub fn cost(
    price: &Price,
    usage: &Usage,
    provider: Multiplier,
    group: Multiplier,
    tier: ServiceTier,
) -> Cost {
    let rates = price.rates(tier, usage.total_input());
    let line = |tokens: u64, rate: i128| {
        let exact = i128::from(tokens)
            .saturating_mul(rate)
            .saturating_mul(i128::from(provider.millionths()))
            .saturating_mul(i128::from(group.millionths()));
        Money::from_nanos(i64::try_from(round_half_up(exact, DIVISOR)).unwrap_or(i64::MAX))
    };
    let breakdown = CostBreakdown {
        input: line(usage.input, rates.input),
        output: line(usage.output, rates.output),
        cache_read: line(usage.cache_read, rates.cache_read),
        cache_write_5m: line(usage.cache_write_5m, rates.cache_write_5m),
        cache_write_1h: line(usage.cache_write_1h, rates.cache_write_1h),
        other: line(1, price.request_fee),
    };
    Cost { total: breakdown.total(), breakdown, version: price.version }
}
