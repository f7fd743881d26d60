//! What a request cost, line by line.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::Money;

/// What a request cost, line by line. Each line is rounded once, to a nano-dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CostBreakdown {
    /// Fresh input.
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub input: Money,
    /// Output.
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub output: Money,
    /// Cache reads.
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub cache_read: Money,
    /// Cache writes, five minutes.
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub cache_write_5m: Money,
    /// Cache writes, one hour.
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub cache_write_1h: Money,
    /// Fee per request, images and other things not counted in tokens.
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub other: Money,
}

impl AddAssign for CostBreakdown {
    fn add_assign(&mut self, other: Self) {
        let Self { input, output, cache_read, cache_write_5m, cache_write_1h, other } = other;
        self.input += input;
        self.output += output;
        self.cache_read += cache_read;
        self.cache_write_5m += cache_write_5m;
        self.cache_write_1h += cache_write_1h;
        self.other += other;
    }
}

impl CostBreakdown {
    /// The sum of the lines.
    pub fn total(&self) -> Money {
        [self.input, self.output, self.cache_read, self.cache_write_5m, self.cache_write_1h, self.other]
            .into_iter()
            .sum()
    }
}
