//! Money as an exact number of nano-dollars.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::decimal::{self, Decimal, NoDecimal};

/// An amount in USD, kept as whole nano-dollars (10⁻⁹ USD). There is no float anywhere near money.
///
/// Sums saturate at ±9.2 billion USD rather than wrap. In JSON it is a decimal string (`"12.5"`); numbers are
/// accepted as input and read from their decimal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// The text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseMoneyError {
    /// Something other than digits with at most one decimal point.
    #[error("`{0}` is not an amount: write a decimal number of US dollars, such as 12.5")]
    NotANumber(String),
    /// More than nine decimals.
    #[error("`{0}` is finer than a nano-dollar: at most nine decimals")]
    TooFine(String),
    /// Outside of ±9.2 billion USD.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    const NANOS_PER_USD: i64 = 1_000_000_000;
    const PLACES: u32 = 9;

    /// An amount of whole nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    fn decimal(self) -> Decimal {
        Decimal::new(self.0 < 0, self.0.unsigned_abs(), Self::PLACES)
    }

    /// True for no money at all.
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// An amount of whole dollars.
    pub const fn from_usd(usd: i64) -> Self {
        Self(usd.saturating_mul(Self::NANOS_PER_USD))
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// The shortest exact decimal: `12.5`, `0.000003`, `-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.decimal().as_str())
    }
}

impl FromStr for Money {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why| match why {
            NoDecimal::Malformed => ParseMoneyError::NotANumber(text.to_owned()),
            NoDecimal::TooFine => ParseMoneyError::TooFine(text.to_owned()),
            NoDecimal::TooLarge => ParseMoneyError::TooLarge(text.to_owned()),
        };
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let nanos = decimal::parse(unsigned, Self::PLACES).map_err(refuse)?;
        let nanos = i64::try_from(nanos).map_err(|_| refuse(NoDecimal::TooLarge))?;
        Ok(Self(if text.starts_with('-') { -nanos } else { nanos }))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.decimal().as_str())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Money;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal amount of US dollars, as a string or a number")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, usd: u64) -> Result<Money, E> {
                self.visit_str(&usd.to_string())
            }
            fn visit_i64<E: de::Error>(self, usd: i64) -> Result<Money, E> {
                self.visit_str(&usd.to_string())
            }
            fn visit_f64<E: de::Error>(self, usd: f64) -> Result<Money, E> {
                // The shortest text that reads back as this float is what the author wrote (0.1, not
                // 0.1000000000000000055); from there on the amount is exact.
                self.visit_str(&usd.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests;
