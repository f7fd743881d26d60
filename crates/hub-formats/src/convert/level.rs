//! Levels of thinking, and their price in tokens.

use serde::{Deserialize, Serialize};

/// From little to much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As little as the model can.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// Very much.
    Xhigh,
    /// As much as the model can.
    Max,
}

impl Level {
    /// All of them, from little to much.
    pub const ALL: [Self; 6] = [Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// The word that every vendor has for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The level with this name, in either case.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word))
    }

    /// The level that a budget of tokens stands for; `None` = no thinking.
    pub(crate) const fn of_budget(tokens: u64) -> Option<Self> {
        Some(match tokens {
            0 => return None,
            1..=512 => Self::Minimal,
            513..=1024 => Self::Low,
            1025..=8192 => Self::Medium,
            8193..=24576 => Self::High,
            _ => Self::Xhigh,
        })
    }

    /// The budget of tokens that a level stands for.
    pub(crate) const fn budget(self) -> u64 {
        match self {
            Self::Minimal => 512,
            Self::Low => 1024,
            Self::Medium => 8192,
            Self::High => 24576,
            Self::Xhigh | Self::Max => 32768,
        }
    }

    /// The nearest of the supported levels: the next one below, else the next one above. None supported = itself.
    pub(crate) fn clamp_to(self, supported: &[Self]) -> Self {
        let below = supported.iter().copied().filter(|level| *level <= self).max();
        below.or_else(|| supported.iter().copied().min()).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn a_level_is_clamped_down_first() {
        let some = [Level::Low, Level::Medium, Level::High];
        assert_eq!(Level::Max.clamp_to(&some), Level::High);
        assert_eq!(Level::Minimal.clamp_to(&some), Level::Low);
        assert_eq!(Level::Medium.clamp_to(&some), Level::Medium);
        assert_eq!(Level::Max.clamp_to(&[]), Level::Max);
    }

    #[test]
    fn budgets_and_levels_agree() {
        for level in [Level::Minimal, Level::Low, Level::Medium, Level::High, Level::Xhigh] {
            assert_eq!(Level::of_budget(level.budget()), Some(level));
        }
        assert_eq!(Level::of_budget(0), None);
    }
}
