//! Values in PostgreSQL's binary form.

use std::error::Error;

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::sql::Value;

/// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
const EPOCH: i64 = 946_684_800_000_000;

type Failed = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Self::Int(value) => value.to_sql(&Type::INT8, out),
            Self::Bool(value) => value.to_sql(&Type::BOOL, out),
            // JSON travels as its text.
            Self::Text(text) => text.to_sql(&Type::TEXT, out),
            Self::Bytes(bytes) => bytes.to_sql(&Type::BYTEA, out),
            Self::Time(at) => (at.as_microsecond() - EPOCH).to_sql(&Type::INT8, out),
            Self::Uuid(id) => id.to_sql(&Type::UUID, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        use tokio_postgres::types::Kind;
        matches!(kind.kind(), Kind::Simple)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        match *kind {
            Type::BOOL => bool::from_sql(kind, raw).map(Self::Bool),
            Type::INT4 => i32::from_sql(kind, raw).map(Self::from),
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Int),
            Type::BYTEA => Vec::<u8>::from_sql(kind, raw).map(Self::Bytes),
            Type::UUID => Uuid::from_sql(kind, raw).map(Self::Uuid),
            Type::TIMESTAMPTZ => {
                let since_2000 = i64::from_sql(&Type::INT8, raw)?;
                let at = since_2000.checked_add(EPOCH).ok_or("a time out of range")?;
                Ok(Self::Time(Timestamp::from_microsecond(at)?))
            }
            Type::VOID => Ok(Self::Null),
            _ => String::from_sql(&Type::TEXT, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failed> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::BOOL,
            Type::INT4,
            Type::INT8,
            Type::BYTEA,
            Type::UUID,
            Type::TIMESTAMPTZ,
            Type::VOID,
            Type::TEXT,
            Type::VARCHAR,
            Type::JSON,
            Type::UNKNOWN,
        ]
        .contains(kind)
    }
}
