//! What Redis answered.

use fred::types::Value;

/// An answer, without the client library's types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisReply {
    /// Nothing there.
    Nil,
    /// A whole number.
    Int(i64),
    /// A text; bytes that are no UTF-8 come with replacement marks.
    Text(String),
    /// Several, in order. Maps come as key, value, key, value.
    List(Vec<Self>),
}

impl RedisReply {
    /// As a number; texts of digits count.
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Nil | Self::List(_) => None,
        }
    }

    /// As a text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nil | Self::Int(_) | Self::List(_) => None,
        }
    }

    /// As a list; everything else is an empty one.
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Nil | Self::Int(_) | Self::Text(_) => &[],
        }
    }
}

impl From<Value> for RedisReply {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Nil,
            Value::Boolean(yes) => Self::Int(i64::from(yes)),
            Value::Integer(number) => Self::Int(number),
            Value::Double(number) => Self::Text(number.to_string()),
            Value::String(text) => Self::Text(text.to_string()),
            Value::Bytes(bytes) => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Value::Queued => Self::Text("QUEUED".to_owned()),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Map(map) => {
                let pairs = map.inner().into_iter();
                let flat = pairs.flat_map(|(key, value)| {
                    [Self::Text(key.into_string().unwrap_or_default()), Self::from(value)]
                });
                Self::List(flat.collect())
            }
        }
    }
}
