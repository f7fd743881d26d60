//! A limit that is reached: what the client is told of it.

use std::fmt;
use std::time::Duration;

use hub_rate_limit::{Cause, LimitType, Owner, Quantity, Refusal};
use hub_session::Scope;
use hub_types::{Caller, Money};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

/// Which limit, and how far it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// Sessions at once.
    ConcurrentSessions {
        /// Sessions that count now.
        current: u32,
        /// How many may.
        limit: u32,
    },
    /// Requests, money or tokens in a window.
    Window {
        /// Which window.
        limit_type: LimitType,
        /// Why it refuses.
        cause: Cause,
        /// Used in it.
        current: Quantity,
        /// Held by requests in flight.
        reserved: Quantity,
        /// How much may be used.
        limit: Quantity,
    },
}

/// A request that would be over a limit of its key or user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitReached {
    kind: LimitKind,
    /// `key "laptop"` or `user "ada"`.
    whose: String,
    /// When there is room again, if waiting helps.
    reset: Option<Reset>,
    retry_after: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reset {
    at: Timestamp,
    /// In the hub's zone, as people read it.
    text: String,
}

impl LimitReached {
    /// Tells `caller` that there are as many sessions as there may be, until `free_at`.
    pub(crate) fn sessions(
        caller: &Caller,
        refused: &hub_session::Refused,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Self {
        let whose = match refused.scope {
            Scope::Key => key(caller),
            Scope::User => user(caller),
        };
        let wait = Duration::try_from(refused.free_at.duration_since(now)).unwrap_or_default();
        Self {
            kind: LimitKind::ConcurrentSessions { current: refused.current, limit: refused.limit },
            whose,
            reset: Some(Reset::new(refused.free_at, zone)),
            retry_after: Some(whole_seconds(wait)),
        }
    }

    /// Tells `caller` of a window without room.
    pub(crate) fn window(caller: &Caller, refusal: &Refusal, zone: &TimeZone) -> Self {
        let whose = match refusal.owner {
            Owner::Key(..) => key(caller),
            Owner::User(_) | Owner::Provider(_) => user(caller),
        };
        Self {
            kind: LimitKind::Window {
                limit_type: refusal.limit_type,
                cause: refusal.cause,
                current: refusal.current,
                reserved: refusal.reserved,
                limit: refusal.limit,
            },
            whose,
            reset: refusal.reset.map(|at| Reset::new(at, zone)),
            retry_after: refusal.retry_after.map(whole_seconds),
        }
    }

    /// When it is worth trying again; whole seconds, at least one. `None`: waiting does not help.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The stable word: `error.limit_type`.
    pub const fn limit_type(&self) -> &'static str {
        match self.kind {
            LimitKind::ConcurrentSessions { .. } => "concurrent_sessions",
            LimitKind::Window { limit_type, .. } => limit_type.as_str(),
        }
    }

    /// What is added to the error object. Money is a text: JSON's numbers lose digits.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let mut members = Map::from_iter([("limit_type".to_owned(), json!(self.limit_type()))]);
        let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
        match self.kind {
            LimitKind::ConcurrentSessions { current, limit } => {
                add("current", json!(current));
                add("limit", json!(limit));
            }
            LimitKind::Window { current, reserved, limit, .. } => {
                add("current", value(current));
                add("reserved", value(reserved));
                add("limit", value(limit));
            }
        }
        add("reset", json!(self.reset.as_ref().map(|reset| &reset.text)));
        members
    }

    /// Limit, what remains of it, and the reset as seconds since 1970: the `x-ratelimit-*` headers.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let (limit, remaining) = match self.kind {
            LimitKind::ConcurrentSessions { current, limit } => {
                (limit.to_string(), limit.saturating_sub(current).to_string())
            }
            LimitKind::Window { current, reserved, limit, .. } => {
                (plain(limit), plain(left(limit, current, reserved)))
            }
        };
        let mut headers = vec![("x-ratelimit-limit", limit), ("x-ratelimit-remaining", remaining)];
        if let Some(reset) = &self.reset {
            let is_broken = reset.at.subsec_nanosecond() > 0;
            headers.push(("x-ratelimit-reset", (reset.at.as_second() + i64::from(is_broken)).to_string()));
        }
        headers
    }

    fn describe_window(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        cause: Cause,
        (current, reserved, limit): (Quantity, Quantity, Quantity),
    ) -> fmt::Result {
        let whose = &self.whose;
        let (used, limit) = (plain(current), amount(limit));
        match cause {
            Cause::Spent => write!(f, "{name} of {whose} is used up: {used} of {limit}"),
            Cause::Reserved => {
                let reserved = amount(reserved);
                write!(
                    f,
                    "{name} of {whose} is taken for the moment: {used} of {limit} used, \
                     {reserved} reserved for requests in flight"
                )
            }
            Cause::TooLarge => write!(
                f,
                "this request may take more than the {name} of {whose} has left: {used} of {limit} used; \
                 ask for fewer tokens"
            ),
        }?;
        match (&self.reset, self.retry_after, cause) {
            (_, Some(wait), Cause::Reserved) => write!(f, "; try again in {} s", wait.as_secs()),
            (Some(reset), _, _) => write!(f, ", resets {}", reset.text),
            (None, _, Cause::TooLarge) => Ok(()),
            (None, ..) => f.write_str(": ask the administrator of this hub"),
        }
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            LimitKind::ConcurrentSessions { current, limit } => write!(
                f,
                "{} has {current} of {limit} concurrent sessions: end one, or try again in {} s",
                self.whose,
                self.retry_after.unwrap_or(SECOND).as_secs()
            ),
            LimitKind::Window { limit_type, cause, current, reserved, limit } => {
                self.describe_window(f, name(limit_type), cause, (current, reserved, limit))
            }
        }
    }
}

impl Reset {
    fn new(at: Timestamp, zone: &TimeZone) -> Self {
        Self { at, text: at.display_with_offset(zone.to_offset(at)).to_string() }
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// Rounded up: who comes back then finds room.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(SECOND)
}

fn key(caller: &Caller) -> String {
    format!("key \"{}\"", caller.key.name)
}

fn user(caller: &Caller) -> String {
    format!("user \"{}\"", caller.user.name)
}

const fn name(limit_type: LimitType) -> &'static str {
    match limit_type {
        LimitType::Rpm => "requests-per-minute limit",
        LimitType::Usd5h => "5-hour limit",
        LimitType::UsdDaily => "daily limit",
        LimitType::UsdWeekly => "weekly limit",
        LimitType::UsdMonthly => "monthly limit",
        LimitType::UsdTotal => "total limit",
        LimitType::TokensTotal => "token limit",
    }
}

fn value(quantity: Quantity) -> Value {
    match quantity {
        Quantity::Money(money) => json!(money.to_string()),
        Quantity::Count(count) => json!(count),
    }
}

fn left(limit: Quantity, current: Quantity, reserved: Quantity) -> Quantity {
    match (limit, current, reserved) {
        (Quantity::Money(limit), Quantity::Money(current), Quantity::Money(reserved)) => {
            let taken = current.nanos().saturating_add(reserved.nanos());
            Quantity::Money(Money::from_nanos(limit.nanos().saturating_sub(taken).max(0)))
        }
        (Quantity::Count(limit), Quantity::Count(current), Quantity::Count(reserved)) => {
            Quantity::Count(limit.saturating_sub(current.saturating_add(reserved)))
        }
        _ => limit,
    }
}

/// Money with four decimals, or as many as it has.
fn plain(quantity: Quantity) -> String {
    let Quantity::Money(money) = quantity else { return quantity.to_string() };
    let text = money.to_string();
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let dot = if decimals == 0 { "." } else { "" };
    format!("{text}{dot}{}", "0".repeat(4usize.saturating_sub(decimals)))
}

/// With its unit.
fn amount(quantity: Quantity) -> String {
    match quantity {
        Quantity::Money(_) => format!("{} USD", plain(quantity)),
        Quantity::Count(_) => plain(quantity),
    }
}

#[cfg(test)]
mod tests;
