//! The values that go into statements and come out of rows.

use std::fmt;

use hub_types::Money;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Result;
use crate::RepositoryError;

/// One value. Its `Debug` shows the kind only: values may be secrets.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Bool(bool),
    Text(String),
    Bytes(Vec<u8>),
    Time(Timestamp),
    Uuid(Uuid),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Int(_) => "Int(…)",
            Self::Bool(_) => "Bool(…)",
            Self::Text(_) => "Text(…)",
            Self::Bytes(_) => "Bytes(…)",
            Self::Time(_) => "Time(…)",
            Self::Uuid(_) => "Uuid(…)",
        })
    }
}

/// Both databases keep microseconds: what is finer is cut off here, so that what is read equals what was written.
pub(crate) fn micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

impl Value {
    /// A JSON document.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self> {
        serde_json::to_string(value).map(Self::Text).map_err(|_| senseless("a JSON value"))
    }

    /// The stable word of an enum that serialises as a string.
    pub(crate) fn word(value: &impl Serialize) -> Result<Self> {
        match serde_json::to_value(value) {
            Ok(serde_json::Value::String(word)) => Ok(Self::Text(word)),
            _ => Err(senseless("a word")),
        }
    }

    /// A count; what the database can't hold becomes the largest that it can.
    pub(crate) fn count(count: u64) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::count(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        // PostgreSQL takes no NUL in a text.
        Self::Text(if value.contains('\0') { value.replace('\0', "") } else { value.to_owned() })
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        value.as_str().into()
    }
}

impl From<Money> for Value {
    fn from(value: Money) -> Self {
        Self::Int(value.nanos())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Time(micros(value))
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// PostgreSQL looks at JSON before it keeps it; SQLite must not be laxer.
pub(crate) fn json_text(text: &str) -> Result<Value> {
    match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(_) => Ok(text.into()),
        Err(_) => Err(RepositoryError::Database("a value is not JSON".to_owned())),
    }
}

/// Reads a row from left to right.
pub(crate) struct Reader {
    cells: std::vec::IntoIter<Value>,
    column: usize,
}

fn senseless(what: &str) -> RepositoryError {
    RepositoryError::Database(format!("a stored value makes no sense: expected {what}"))
}

impl Reader {
    pub(crate) fn new(cells: Vec<Value>) -> Self {
        Self { cells: cells.into_iter(), column: 0 }
    }

    fn next(&mut self) -> Result<Value> {
        self.column += 1;
        self.cells.next().ok_or_else(|| senseless("another column"))
    }

    fn wrong<T>(&self, what: &str) -> Result<T> {
        Err(senseless(&format!("{what} in column {}", self.column)))
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Int(value) => Ok(Some(value)),
            _ => self.wrong("a number"),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        self.opt_int()?.map_or_else(|| self.wrong("a number"), Ok)
    }

    /// A number of a narrower type.
    pub(crate) fn narrow<T: TryFrom<i64>>(&mut self) -> Result<T> {
        self.opt_narrow()?.map_or_else(|| self.wrong("a number"), Ok)
    }

    pub(crate) fn opt_narrow<T: TryFrom<i64>>(&mut self) -> Result<Option<T>> {
        match self.opt_int()?.map(T::try_from) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => self.wrong("a smaller number"),
        }
    }

    pub(crate) fn opt_money(&mut self) -> Result<Option<Money>> {
        Ok(self.opt_int()?.map(Money::from_nanos))
    }

    pub(crate) fn bool(&mut self) -> Result<bool> {
        match self.next()? {
            Value::Bool(value) => Ok(value),
            Value::Int(value) => Ok(value != 0),
            _ => self.wrong("true or false"),
        }
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<String>> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            _ => self.wrong("a text"),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.opt_text()?.map_or_else(|| self.wrong("a text"), Ok)
    }

    pub(crate) fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Bytes(value) => Ok(Some(value)),
            _ => self.wrong("bytes"),
        }
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Time(value) => Ok(Some(value)),
            Value::Int(value) => {
                Timestamp::from_microsecond(value).map(Some).or_else(|_| self.wrong("a time"))
            }
            _ => self.wrong("a time"),
        }
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp> {
        self.opt_time()?.map_or_else(|| self.wrong("a time"), Ok)
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let text = self.text()?;
        serde_json::from_str(&text).or_else(|_| self.wrong("JSON of the right shape"))
    }

    pub(crate) fn word<T: DeserializeOwned>(&mut self) -> Result<T> {
        let word = self.text()?;
        serde_json::from_value(serde_json::Value::String(word)).or_else(|_| self.wrong("a known word"))
    }

    pub(crate) fn opt_word<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let Some(word) = self.opt_text()? else { return Ok(None) };
        let read = serde_json::from_value(serde_json::Value::String(word));
        read.map(Some).or_else(|_| self.wrong("a known word"))
    }
}
