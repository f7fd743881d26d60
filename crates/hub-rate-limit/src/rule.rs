//! Limits as rules: which counter, over which window, how much.

use hub_types::{Money, ResetMode};
use smallvec::SmallVec;

use crate::calendar::Calendar;
use crate::limit::{LimitType, Limits};
use crate::time::{HOUR, MINUTE, Ms, SECOND, ms};
use crate::window::Span;

/// A counter of an owner. A limit whose mode changes gets another counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// Requests, sliding over 60 s.
    Rpm,
    /// Money, rolling over five hours.
    Rolling5h,
    /// Money in five hours from the first charge.
    Fixed5h,
    /// Money, rolling over 24 hours.
    Rolling24h,
    /// Money since the daily reset time.
    Daily,
    /// Money since Monday.
    Weekly,
    /// Money since the 1st.
    Monthly,
    /// Money since creation or reset.
    Total,
    /// Tokens since creation or reset.
    Tokens,
}

/// How a counter forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Bucket by bucket: each counts until its *last* moment is `span` old, so that nothing is undercounted.
    Sliding { span: Ms, grain: Ms },
    /// All at once, `span` after the first charge.
    Anchored { span: Ms },
    /// All at once, when the calendar says so.
    Calendar,
    /// Never.
    Total,
}

impl Slot {
    /// The stable word for it in shared stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Rolling5h => "5h_rolling",
            Self::Fixed5h => "5h_fixed",
            Self::Rolling24h => "day_rolling",
            Self::Daily => "day_fixed",
            Self::Weekly => "week",
            Self::Monthly => "month",
            Self::Total => "total",
            Self::Tokens => "tokens",
        }
    }

    pub(crate) const fn course(self) -> Course {
        match self {
            Self::Rpm => Course::Sliding { span: MINUTE, grain: SECOND },
            Self::Rolling5h => Course::Sliding { span: 5 * HOUR, grain: MINUTE },
            Self::Rolling24h => Course::Sliding { span: 24 * HOUR, grain: MINUTE },
            Self::Fixed5h => Course::Anchored { span: 5 * HOUR },
            Self::Daily | Self::Weekly | Self::Monthly => Course::Calendar,
            Self::Total | Self::Tokens => Course::Total,
        }
    }
}

/// One limit of an owner at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) kind: LimitType,
    pub(crate) slot: Slot,
    /// The calendar window; all the time for other counters.
    pub(crate) span: Span,
    /// Charges before this do not count: the last reset.
    pub(crate) floor: Ms,
    /// In nano-dollars, requests or tokens; above zero.
    pub(crate) limit: i64,
}

pub(crate) type Rules = SmallVec<[Rule; 7]>;

/// What applies now, in the order of [`LimitType`].
pub(crate) fn rules(limits: Limits<'_>, calendar: &Calendar, now: Ms) -> Rules {
    let money = limits.money;
    let floor = money.cost_reset_at.map_or(Ms::MIN, ms);
    let mut rules = Rules::new();
    let mut add = |kind, limit: Option<i64>, floor, slot, span: &dyn Fn() -> Span| {
        if let Some(limit) = limit.filter(|limit| *limit > 0) {
            rules.push(Rule { kind, slot, span: span(), floor, limit });
        }
    };
    let always = || Span::ALWAYS;
    let nanos = |money: Option<Money>| money.map(Money::nanos);
    add(LimitType::Rpm, limits.rpm.map(i64::from), Ms::MIN, Slot::Rpm, &always);
    let slot = match money.limit_5h_reset_mode {
        ResetMode::Rolling => Slot::Rolling5h,
        ResetMode::Fixed => Slot::Fixed5h,
    };
    add(LimitType::Usd5h, nanos(money.limit_5h_usd), floor, slot, &always);
    match money.daily_reset_mode {
        ResetMode::Rolling => {
            add(LimitType::UsdDaily, nanos(money.limit_daily_usd), floor, Slot::Rolling24h, &always);
        }
        ResetMode::Fixed => {
            let day = || calendar.day(money.daily_reset_time, now);
            add(LimitType::UsdDaily, nanos(money.limit_daily_usd), floor, Slot::Daily, &day);
        }
    }
    add(LimitType::UsdWeekly, nanos(money.limit_weekly_usd), floor, Slot::Weekly, &|| calendar.week(now));
    add(LimitType::UsdMonthly, nanos(money.limit_monthly_usd), floor, Slot::Monthly, &|| calendar.month(now));
    add(LimitType::UsdTotal, nanos(money.limit_total_usd), floor, Slot::Total, &always);
    let tokens = limits.tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX));
    add(LimitType::TokensTotal, tokens, floor, Slot::Tokens, &always);
    rules
}
