//! Prices as rows, and the factors that scale them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::decimal::{self, Decimal};

/// Where a model's price comes from. A manual price wins over a synced one, a synced one over the built-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// Shipped with the hub.
    Builtin,
    /// Fetched from `PRICE_SYNC_URL`.
    Sync,
    /// Entered by an admin.
    Manual,
}

impl PriceSource {
    /// The stable word used in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Sync => "sync",
            Self::Manual => "manual",
        }
    }
}

/// One stored price, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRow {
    /// The model's name as vendors write it.
    pub model: String,
    /// A JSON object in the format of LiteLLM's model map (`input_cost_per_token`, …).
    pub price: String,
    /// Where it comes from.
    pub source: PriceSource,
    /// Raised by every change of this row.
    pub version: i64,
}

/// A factor on a price, exact to a millionth: `1`, `0.85`, `1.25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multiplier(u32);

/// The text is not a factor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a multiplier: a decimal number from 0 to 1000 with at most six decimals")]
pub struct ParseMultiplierError(pub String);

impl Multiplier {
    /// Times one.
    pub const ONE: Self = Self(1_000_000);
    const MOST: u32 = 1_000_000_000;
    const PLACES: u32 = 6;

    fn decimal(self) -> Decimal {
        Decimal::new(false, self.0.into(), Self::PLACES)
    }

    /// True if it changes nothing.
    pub const fn is_one(&self) -> bool {
        self.0 == Self::ONE.0
    }

    /// The factor in millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// A factor given in millionths; more than 1000 × is cut there.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(if millionths > Self::MOST { Self::MOST } else { millionths })
    }
}

impl Default for Multiplier {
    fn default() -> Self {
        Self::ONE
    }
}

impl fmt::Display for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.decimal().as_str())
    }
}

impl FromStr for Multiplier {
    type Err = ParseMultiplierError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseMultiplierError(text.to_owned());
        if text.starts_with('.') {
            return Err(refuse());
        }
        let millionths = decimal::parse(text, Self::PLACES).ok().and_then(|all| u32::try_from(all).ok());
        millionths.filter(|all| *all <= Self::MOST).map(Self).ok_or_else(refuse)
    }
}

impl Serialize for Multiplier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.decimal().as_str())
    }
}

impl<'de> Deserialize<'de> for Multiplier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Multiplier;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal factor, as a string or a number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Multiplier, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, factor: u64) -> Result<Multiplier, E> {
                self.visit_str(&factor.to_string())
            }
            fn visit_f64<E: de::Error>(self, factor: f64) -> Result<Multiplier, E> {
                self.visit_str(&factor.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Multiplier;

    #[test]
    fn what_is_printed_reads_back() {
        for text in ["1", "0", "0.85", "1.25", "1000", "0.000001"] {
            assert_eq!(text.parse::<Multiplier>().unwrap().to_string(), text);
        }
        for text in ["", "-1", "1e3", "1000.1", "0.0000001", "4295"] {
            assert!(text.parse::<Multiplier>().is_err(), "{text}");
        }
    }
}
