//! Query parameters: read from text, every mistake reported at once.

use std::str::FromStr;

use hub_repository::{GroupBy, StatusClass};
use hub_types::{Dialect, KeyId, LIMIT_WORDS, Money, ProviderId, UserId};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::IntoParams;

use crate::validate::Faults;
use crate::{Result, schema};

/// Rows in a page, unless asked otherwise.
const DEFAULT_LIMIT: u32 = 50;
/// Rows in a page at most.
const MAX_LIMIT: u32 = 200;

/// A page of a list ordered by id.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Rows in the page, 1–200.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    pub limit: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, cursor: None }
    }
}

impl ListQuery {
    /// Reads query parameters.
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Self> {
        let mut given = Given::new(pairs);
        let query = Self { limit: given.limit(), cursor: given.text("cursor") };
        given.finish(query)
    }
}

/// Which requests are wanted, newest first.
#[derive(Debug, Clone, PartialEq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RequestQuery {
    /// From this moment on; default: 24 hours before `to`.
    pub from: Option<Timestamp>,
    /// Before this moment; default: now.
    pub to: Option<Timestamp>,
    /// Of this user.
    #[param(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Of this key.
    #[param(value_type = Option<i64>)]
    pub key_id: Option<KeyId>,
    /// Answered by this provider.
    #[param(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// For this model, as asked for.
    pub model: Option<String>,
    /// In this dialect.
    #[param(required = false, schema_with = schema::dialect)]
    pub dialect: Option<Dialect>,
    /// With such a status.
    #[param(required = false, schema_with = schema::status_class)]
    pub status_class: Option<StatusClass>,
    /// Of this conversation.
    pub session_id: Option<String>,
    /// That cost at least so many US dollars.
    #[param(required = false, schema_with = schema::money)]
    pub min_cost_usd: Option<Money>,
    /// Rows in the page, 1–200.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    pub limit: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl RequestQuery {
    /// Reads query parameters.
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Self> {
        let mut given = Given::new(pairs);
        let query = Self {
            from: given.moment("from"),
            to: given.moment("to"),
            user_id: given.id("user_id"),
            key_id: given.id("key_id"),
            provider_id: given.id("provider_id"),
            model: given.text("model"),
            dialect: given.word("dialect"),
            status_class: given.word("status_class"),
            session_id: given.text("session_id"),
            min_cost_usd: given.parsed("min_cost_usd", "an amount such as 0.5"),
            limit: given.limit(),
            cursor: given.text("cursor"),
        };
        given.finish(query)
    }
}

/// Which active sessions are wanted, the most recently seen first.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// Of this user.
    #[param(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Of this key.
    #[param(value_type = Option<i64>)]
    pub key_id: Option<KeyId>,
    /// Bound to this provider, or last answered by it.
    #[param(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// Rows in the page, 1–200.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    pub limit: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl SessionQuery {
    /// Reads query parameters.
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Self> {
        let mut given = Given::new(pairs);
        let query = Self {
            user_id: given.id("user_id"),
            key_id: given.id("key_id"),
            provider_id: given.id("provider_id"),
            limit: given.limit(),
            cursor: given.text("cursor"),
        };
        given.finish(query)
    }
}

/// Which refusals by limits are wanted, the latest hours first.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LimitEventQuery {
    /// From this hour on; default: 24 hours before `to`.
    pub from: Option<Timestamp>,
    /// Before this hour; default: the end of the current one.
    pub to: Option<Timestamp>,
    /// Of this user.
    #[param(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Of this key.
    #[param(value_type = Option<i64>)]
    pub key_id: Option<KeyId>,
    /// By this limit.
    #[param(required = false, schema_with = schema::refusing_limit)]
    pub limit_type: Option<RefusingLimit>,
    /// Rows in the page, 1–200.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    pub limit: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl LimitEventQuery {
    /// Reads query parameters.
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Self> {
        let mut given = Given::new(pairs);
        let words = RefusingLimit::all().map(RefusingLimit::as_str).collect::<Vec<_>>().join(", ");
        let query = Self {
            from: given.moment("from"),
            to: given.moment("to"),
            user_id: given.id("user_id"),
            key_id: given.id("key_id"),
            limit_type: given.parsed("limit_type", &format!("one of {words}")),
            limit: given.limit(),
            cursor: given.text("cursor"),
        };
        given.finish(query)
    }
}

/// A limit that refuses requests: one of the windows, or that of concurrent sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusingLimit(&'static str);

impl RefusingLimit {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        LIMIT_WORDS.into_iter().map(Self)
    }

    /// The word that a refused client is told.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for RefusingLimit {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        Self::all().find(|limit| limit.0 == text).ok_or(())
    }
}

/// Which usage is wanted.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// From this hour on; default: 24 hours before `to`.
    pub from: Option<Timestamp>,
    /// Before this hour; default: the end of the current one.
    pub to: Option<Timestamp>,
    /// Of this user.
    #[param(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Of this key.
    #[param(value_type = Option<i64>)]
    pub key_id: Option<KeyId>,
    /// Served by this provider.
    #[param(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// For this model.
    pub model: Option<String>,
    /// A row for each what? Default: one row for everything.
    #[param(required = false, schema_with = schema::group_by)]
    pub group_by: GroupBy,
}

impl Default for UsageQuery {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            user_id: None,
            key_id: None,
            provider_id: None,
            model: None,
            group_by: GroupBy::Total,
        }
    }
}

impl UsageQuery {
    /// Reads query parameters.
    pub fn parse(pairs: Vec<(String, String)>) -> Result<Self> {
        let mut given = Given::new(pairs);
        let query = Self {
            from: given.moment("from"),
            to: given.moment("to"),
            user_id: given.id("user_id"),
            key_id: given.id("key_id"),
            provider_id: given.id("provider_id"),
            model: given.text("model"),
            group_by: given.word("group_by").unwrap_or(GroupBy::Total),
        };
        given.finish(query)
    }
}

/// Parameters not read yet, and what was wrong with those that were.
struct Given {
    pairs: Vec<(String, String)>,
    faults: Faults,
}

impl Given {
    fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, faults: Faults::default() }
    }

    /// Takes a parameter out; empty ones count as not given.
    fn text(&mut self, name: &str) -> Option<String> {
        let position = self.pairs.iter().position(|(given, _)| given == name)?;
        let (_, value) = self.pairs.swap_remove(position);
        if self.pairs.iter().any(|(given, _)| given == name) {
            self.faults.add(name, "is given twice");
            self.pairs.retain(|(given, _)| given != name);
        }
        (!value.is_empty()).then_some(value)
    }

    fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        self.faults.check(value.is_some(), name, &format!("must be {expected}"));
        value
    }

    fn word<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        match serde_json::from_value(Value::String(text)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.faults.add(name, error.to_string());
                None
            }
        }
    }

    fn moment(&mut self, name: &str) -> Option<Timestamp> {
        self.parsed(name, "a moment such as 2026-01-31T12:00:00Z")
    }

    fn id<T: FromStr>(&mut self, name: &str) -> Option<T> {
        self.parsed(name, "a whole number")
    }

    fn limit(&mut self) -> u32 {
        let limit = self.parsed("limit", "a whole number from 1 to 200").unwrap_or(DEFAULT_LIMIT);
        self.faults.check((1..=MAX_LIMIT).contains(&limit), "limit", "must be from 1 to 200");
        limit
    }

    fn finish<T>(mut self, query: T) -> Result<T> {
        for (name, _) in &self.pairs {
            self.faults.add(name, "unknown parameter");
        }
        self.faults.into_result().map(|()| query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(given: &[(&str, &str)]) -> Vec<(String, String)> {
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn parameters_are_read_by_their_types() {
        let given = [
            ("status_class", "server_error"),
            ("min_cost_usd", "0.5"),
            ("dialect", "gemini-cli"),
            ("model", ""),
        ];
        let query = RequestQuery::parse(pairs(&given)).unwrap();
        assert_eq!(query.status_class, Some(StatusClass::ServerError));
        assert_eq!(query.min_cost_usd, Some(Money::from_nanos(500_000_000)));
        assert_eq!((query.dialect, query.model, query.limit), (Some(Dialect::GeminiCli), None, 50));
    }

    #[test]
    fn every_wrong_parameter_is_named() {
        let given = [("limit", "201"), ("user_id", "ada"), ("colour", "red"), ("dialect", "latin")];
        let error = RequestQuery::parse(pairs(&given)).unwrap_err();
        let fields: Vec<_> = error.fields().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["user_id", "dialect", "limit", "colour"]);
        assert!(ListQuery::parse(pairs(&[("limit", "1"), ("limit", "2")])).is_err());
    }
}
