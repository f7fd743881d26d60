//! What a request used, in tokens.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens as the hub counts them, whatever the vendor's own way of counting.
///
/// `input` leaves out what was read from or written to a prompt cache; `reasoning` is part of `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input tokens that no cache served.
    #[serde(skip_serializing_if = "is_zero")]
    pub input: u64,
    /// Output tokens, reasoning included.
    #[serde(skip_serializing_if = "is_zero")]
    pub output: u64,
    /// Reasoning tokens, a part of `output`.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// Input tokens read from a prompt cache.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Input tokens written to a prompt cache that lives five minutes.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_5m: u64,
    /// Input tokens written to a prompt cache that lives an hour.
    #[serde(skip_serializing_if = "is_zero")]
    pub cache_write_1h: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references over")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Usage {
    /// Everything that went in: fresh, cached and newly cached.
    pub fn total_input(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
    }

    /// Everything that went in and came out: what limits on tokens count.
    pub fn total(&self) -> u64 {
        self.total_input().saturating_add(self.output)
    }

    /// True if no kind has a token.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write_5m = self.cache_write_5m.saturating_add(other.cache_write_5m);
        self.cache_write_1h = self.cache_write_1h.saturating_add(other.cache_write_1h);
    }
}

/// Where a usage figure comes from. The two are never mixed up in a sum without saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The upstream said so.
    Reported,
    /// The upstream said nothing (client gone, old relay): computed from the bytes seen.
    Estimated,
}

impl UsageSource {
    /// The stable word used in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
        }
    }
}
