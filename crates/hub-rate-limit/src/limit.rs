//! What is limited, for whom, and how much.

use std::fmt;

use hub_types::{ApiKey, KeyId, Money, MoneyLimits, Provider, ProviderId, User, UserId};

/// A dimension of limits. Limits on sessions at once are not among them: they live with the sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitType {
    /// Requests in 60 seconds.
    Rpm,
    /// Money in five hours.
    Usd5h,
    /// Money in a day.
    UsdDaily,
    /// Money in a week.
    UsdWeekly,
    /// Money in a month.
    UsdMonthly,
    /// Money since creation or the last reset.
    UsdTotal,
    /// Tokens since creation or the last reset.
    TokensTotal,
}

impl LimitType {
    /// All of them, in the order in which they are looked at.
    pub const ALL: [Self; 7] = [
        Self::Rpm,
        Self::Usd5h,
        Self::UsdDaily,
        Self::UsdWeekly,
        Self::UsdMonthly,
        Self::UsdTotal,
        Self::TokensTotal,
    ];

    /// The stable word used in `error.limit_type`, in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Usd5h => "usd_5h",
            Self::UsdDaily => "usd_daily",
            Self::UsdWeekly => "usd_weekly",
            Self::UsdMonthly => "usd_monthly",
            Self::UsdTotal => "usd_total",
            Self::TokensTotal => "tokens_total",
        }
    }

    /// A counter's number in this dimension's unit.
    pub(crate) fn quantity(self, number: i128) -> Quantity {
        match self {
            Self::Rpm | Self::TokensTotal => {
                Quantity::Count(u64::try_from(number.max(0)).unwrap_or(u64::MAX))
            }
            _ => Quantity::Money(Money::from_nanos(i64::try_from(number).unwrap_or(i64::MAX))),
        }
    }
}

impl fmt::Display for LimitType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// So much of what a limit limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Dollars.
    Money(Money),
    /// Requests or tokens.
    Count(u64),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(money) => money.fmt(f),
            Self::Count(count) => count.fmt(f),
        }
    }
}

/// Whose counters are meant. A key is named with its user: their counters lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// A user's, over all keys.
    User(UserId),
    /// A key's.
    Key(UserId, KeyId),
    /// A provider's.
    Provider(ProviderId),
}

/// The limits of one owner, as its row says. `None`, zero and less mean no limit.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Requests in 60 seconds.
    pub rpm: Option<u32>,
    /// By window.
    pub money: &'a MoneyLimits,
    /// Tokens since creation or reset.
    pub tokens: Option<u64>,
}

impl Limits<'_> {
    /// Is there any?
    pub fn are_set(&self) -> bool {
        self.rpm.is_some_and(|rpm| rpm > 0) || self.are_budgets()
    }

    /// Is there any on money or tokens?
    pub fn are_budgets(&self) -> bool {
        let money = self.money;
        let sums = [
            money.limit_5h_usd,
            money.limit_daily_usd,
            money.limit_weekly_usd,
            money.limit_monthly_usd,
            money.limit_total_usd,
        ];
        self.tokens.is_some_and(|tokens| tokens > 0)
            || sums.into_iter().flatten().any(|sum| sum > Money::ZERO)
    }
}

impl<'a> From<&'a User> for Limits<'a> {
    fn from(user: &'a User) -> Self {
        Self { rpm: user.rpm_limit, money: &user.limits, tokens: None }
    }
}

impl<'a> From<&'a ApiKey> for Limits<'a> {
    fn from(key: &'a ApiKey) -> Self {
        Self { rpm: key.rpm_limit, money: &key.limits, tokens: key.token_limit }
    }
}

impl<'a> From<&'a Provider> for Limits<'a> {
    fn from(provider: &'a Provider) -> Self {
        Self { rpm: None, money: &provider.limits, tokens: None }
    }
}
