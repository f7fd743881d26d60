//! The money limits that users, keys and providers share.

use hub_types::{Money, MoneyLimits, ResetMode};
use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;
use crate::validate::Faults;

/// Money limits by window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct LimitFields {
    /// Within five hours.
    #[schema(schema_with = schema::limit)]
    pub limit_5h_usd: Option<Money>,
    /// How the five-hour window moves.
    #[schema(schema_with = schema::reset_mode)]
    pub limit_5h_reset_mode: ResetMode,
    /// Within a day.
    #[schema(schema_with = schema::limit)]
    pub limit_daily_usd: Option<Money>,
    /// How the daily window moves.
    #[schema(schema_with = schema::reset_mode)]
    pub daily_reset_mode: ResetMode,
    /// When a fixed daily window starts over.
    #[schema(schema_with = schema::time_of_day)]
    pub daily_reset_time: Time,
    /// From Monday 00:00.
    #[schema(schema_with = schema::limit)]
    pub limit_weekly_usd: Option<Money>,
    /// From the first of the month.
    #[schema(schema_with = schema::limit)]
    pub limit_monthly_usd: Option<Money>,
    /// Since creation or the last reset.
    #[schema(schema_with = schema::limit)]
    pub limit_total_usd: Option<Money>,
}

impl Default for LimitFields {
    fn default() -> Self {
        Self::from(&MoneyLimits::default())
    }
}

impl From<&MoneyLimits> for LimitFields {
    fn from(limits: &MoneyLimits) -> Self {
        Self {
            limit_5h_usd: limits.limit_5h_usd,
            limit_5h_reset_mode: limits.limit_5h_reset_mode,
            limit_daily_usd: limits.limit_daily_usd,
            daily_reset_mode: limits.daily_reset_mode,
            daily_reset_time: limits.daily_reset_time,
            limit_weekly_usd: limits.limit_weekly_usd,
            limit_monthly_usd: limits.limit_monthly_usd,
            limit_total_usd: limits.limit_total_usd,
        }
    }
}

impl LimitFields {
    /// The limits with the moment of the last reset, which people don't write.
    pub(crate) const fn with_reset(&self, cost_reset_at: Option<Timestamp>) -> MoneyLimits {
        MoneyLimits {
            limit_5h_usd: self.limit_5h_usd,
            limit_5h_reset_mode: self.limit_5h_reset_mode,
            limit_daily_usd: self.limit_daily_usd,
            daily_reset_mode: self.daily_reset_mode,
            daily_reset_time: self.daily_reset_time,
            limit_weekly_usd: self.limit_weekly_usd,
            limit_monthly_usd: self.limit_monthly_usd,
            limit_total_usd: self.limit_total_usd,
            cost_reset_at,
        }
    }

    pub(crate) fn check(&self, faults: &mut Faults) {
        faults.not_negative("limit_5h_usd", self.limit_5h_usd);
        faults.not_negative("limit_daily_usd", self.limit_daily_usd);
        faults.not_negative("limit_weekly_usd", self.limit_weekly_usd);
        faults.not_negative("limit_monthly_usd", self.limit_monthly_usd);
        faults.not_negative("limit_total_usd", self.limit_total_usd);
    }
}
