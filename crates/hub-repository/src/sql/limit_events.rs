//! Requests that limits refused, counted by hour.

use std::collections::BTreeMap;

use hub_types::{KeyId, RequestRecord, UserId};

use super::engine::Engine;
use super::rollup::hour_of;
use super::value::Reader;
use super::{Cells, Database, Mode, Params, Result, Session, Value};
use crate::{LimitEvent, LimitEventFilter};

const COUNT: &str =
    "INSERT INTO limit_events (hour, kind, user_id, key_id, count) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (hour, kind, user_id, key_id) DO UPDATE SET count = limit_events.count + excluded.count";

/// Counts those of these records that a limit refused. In the transaction that writes them, so that none is
/// counted twice or forgotten.
pub(super) async fn add(session: &mut dyn Session, records: &[&RequestRecord]) -> Result<()> {
    // Ordered, so that two writers touch the rows in the same order.
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for record in records {
        let whose = record.refused_by_limit().zip(record.user_id.zip(record.key_id));
        let Some((kind, (user, key))) = whose else { continue };
        *counts.entry((hour_of(record.created_at), kind, user, key)).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let rows = counts
        .into_iter()
        .map(|((hour, kind, user, key), count)| {
            vec![hour.into(), kind.into(), user.0.into(), key.0.into(), count.into()]
        })
        .collect();
    session.execute_many(COUNT, rows).await
}

impl<D: Database> Engine<D> {
    pub(super) async fn refusals(&self, filter: &LimitEventFilter) -> Result<Vec<LimitEvent>> {
        let mut conditions = vec!["hour >= $1".to_owned(), "hour < $2".to_owned()];
        let mut params: Params = vec![hour_of(filter.from).into(), hour_of(filter.to).into()];
        let mut and = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                params.push(value);
                conditions.push(format!("{column} = ${}", params.len()));
            }
        };
        and("kind", filter.kind.as_ref().map(Into::into));
        and("user_id", filter.user_id.map(|id| id.0.into()));
        and("key_id", filter.key_id.map(|id| id.0.into()));
        if let Some(mark) = &filter.beyond {
            let first = params.len() + 1;
            params.extend([
                mark.hour.into(),
                mark.kind.as_str().into(),
                mark.user_id.0.into(),
                mark.key_id.0.into(),
            ]);
            let [hour, kind, user, key] = [first, first + 1, first + 2, first + 3];
            conditions.push(format!(
                "(hour < ${hour} OR (hour = ${hour} AND (kind, user_id, key_id) > (${kind}, ${user}, ${key})))"
            ));
        }
        params.push(filter.limit.into());
        let sql = format!(
            "SELECT hour, kind, user_id, key_id, count FROM limit_events WHERE {}
             ORDER BY hour DESC, kind, user_id, key_id LIMIT ${}",
            conditions.join(" AND "),
            params.len()
        );
        let rows = self.session(Mode::Single).await?.query(&sql, params).await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(cells: Cells) -> Result<LimitEvent> {
    let mut row = Reader::new(cells);
    Ok(LimitEvent {
        hour: row.time()?,
        kind: row.text()?,
        user_id: UserId(row.int()?),
        key_id: KeyId(row.int()?),
        count: row.narrow()?,
    })
}
