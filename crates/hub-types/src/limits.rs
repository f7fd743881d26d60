//! The money limits that users, keys and providers share.

use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::Money;

/// When a money window starts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetMode {
    /// At a fixed moment (the daily time; for five hours, counted from the first charge).
    Fixed,
    /// Charges age out one by one.
    Rolling,
}

impl ResetMode {
    /// The stable word used in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Rolling => "rolling",
        }
    }
}

/// Money limits by window. `None` or zero means no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MoneyLimits {
    /// Within five hours.
    pub limit_5h_usd: Option<Money>,
    /// How the five-hour window moves (default rolling).
    pub limit_5h_reset_mode: ResetMode,
    /// Within a day.
    pub limit_daily_usd: Option<Money>,
    /// How the daily window moves (default fixed).
    pub daily_reset_mode: ResetMode,
    /// The wall-clock time of the daily reset, in the system zone.
    pub daily_reset_time: Time,
    /// From Monday 00:00.
    pub limit_weekly_usd: Option<Money>,
    /// From the first of the month.
    pub limit_monthly_usd: Option<Money>,
    /// Since creation or `cost_reset_at`.
    pub limit_total_usd: Option<Money>,
    /// Charges before this moment no longer count.
    pub cost_reset_at: Option<Timestamp>,
}

impl Default for MoneyLimits {
    fn default() -> Self {
        Self {
            limit_5h_usd: None,
            limit_5h_reset_mode: ResetMode::Rolling,
            limit_daily_usd: None,
            daily_reset_mode: ResetMode::Fixed,
            daily_reset_time: Time::midnight(),
            limit_weekly_usd: None,
            limit_monthly_usd: None,
            limit_total_usd: None,
            cost_reset_at: None,
        }
    }
}
