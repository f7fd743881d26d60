//! How much of each limit is taken, as people see it.

use hub_rate_limit::{Quantity, WindowUsage};
use hub_types::{KeyId, Money};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::schema;

/// The limits of a user, key or provider that are set, and how much of each is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsView {
    /// Charges before this moment count no longer.
    pub cost_reset_at: Option<Timestamp>,
    /// One for each limit; what is not limited is not counted.
    pub windows: Vec<WindowView>,
}

/// What somebody may still use: the limits of a user, and those of the user's keys, which apply besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnLimitsView {
    /// Over all keys.
    pub user: LimitsView,
    /// Each key's own; of very many keys the first 200.
    pub keys: Vec<KeyLimitsView>,
}

/// The limits of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyLimitsView {
    /// The key.
    #[schema(value_type = i64)]
    pub id: KeyId,
    /// Its name.
    pub name: String,
    /// How much is taken.
    pub limits: LimitsView,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WindowView {
    /// Which one: the word that a refused client is told.
    #[schema(schema_with = schema::limit_type)]
    pub limit_type: String,
    /// Charged in the current window.
    #[schema(schema_with = schema::quantity)]
    pub used: QuantityView,
    /// Held for requests in flight.
    #[schema(schema_with = schema::quantity)]
    pub reserved: QuantityView,
    /// What the limit is.
    #[schema(schema_with = schema::quantity)]
    pub limit: QuantityView,
    /// When the window turns, or everything that counts now has aged out; null for totals, and for windows in
    /// which nothing has begun.
    pub reset: Option<Timestamp>,
}

/// Requests or tokens as a number, money as a decimal string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum QuantityView {
    /// Requests or tokens.
    Count(u64),
    /// US dollars.
    Money(Money),
}

impl From<Quantity> for QuantityView {
    fn from(quantity: Quantity) -> Self {
        match quantity {
            Quantity::Count(count) => Self::Count(count),
            Quantity::Money(money) => Self::Money(money),
        }
    }
}

impl From<&WindowUsage> for WindowView {
    fn from(window: &WindowUsage) -> Self {
        Self {
            limit_type: window.limit_type.as_str().to_owned(),
            used: window.used.into(),
            reserved: window.reserved.into(),
            limit: window.limit.into(),
            reset: window.reset,
        }
    }
}
