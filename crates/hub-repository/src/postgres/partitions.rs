//! Partitions of the request records, one a month.

use crate::RepositoryError;
use crate::sql::{Result, Session, Value};

/// The advisory lock of making partitions.
const LOCK: i64 = 0x6875_625f_7061_7274;

/// Makes a month's partition; false if that is impossible and its rows go to the default partition.
pub(super) async fn make(session: &mut dyn Session, (year, month): (i16, i8)) -> Result<bool> {
    if !(2000..3000).contains(&year) {
        return Ok(false);
    }
    // Rather try again later than hold up everybody who reads.
    session.execute("SET LOCAL lock_timeout = '2s'", vec![]).await?;
    session.query("SELECT pg_advisory_xact_lock($1) IS NULL", vec![LOCK.into()]).await?;
    let name = format!("requests_{year:04}_{month:02}");
    let known = session.query("SELECT to_regclass($1::text) IS NOT NULL", vec![(&name).into()]).await?;
    if known == [[Value::Bool(true)]] {
        return Ok(true);
    }
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let sql = format!(
        "CREATE TABLE {name} PARTITION OF requests FOR VALUES
         FROM ('{year:04}-{month:02}-01 00:00:00+00') TO ('{next_year:04}-{next_month:02}-01 00:00:00+00')"
    );
    match session.execute(&sql, vec![]).await {
        Ok(_) => Ok(true),
        // 23514: the default partition holds rows of this month already. There the others go, too.
        Err(RepositoryError::Database(text)) if text.contains("23514") => {
            tracing::warn!(year, month, "rows of this month lie in the default partition: it stays there");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
