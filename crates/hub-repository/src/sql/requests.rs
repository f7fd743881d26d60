//! Reading request records back.

use hub_types::RequestId;

use super::engine::Engine;
use super::value::Reader;
use super::{Cells, Database, Mode, Params, Result, Value};
use crate::{Order, RequestFilter, RequestRow, StatusClass};

/// The record and the names of its user and key, dead or alive.
const SELECT: &str = "SELECT r.detail, u.name, k.name FROM requests r
    LEFT JOIN users u ON u.id = r.user_id LEFT JOIN keys k ON k.id = r.key_id";

impl<D: Database> Engine<D> {
    pub(super) async fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestRow>> {
        let (condition, params) = conditions(filter);
        let (_, direction) = course(filter.order);
        let sql = format!(
            "{SELECT} WHERE {condition} ORDER BY r.created_at {direction}, r.id {direction} LIMIT ${}",
            params.len()
        );
        let rows = self.session(Mode::Single).await?.query(&sql, params).await?;
        rows.into_iter().map(read).collect()
    }

    pub(super) async fn request(&self, id: RequestId) -> Result<Option<RequestRow>> {
        let sql = format!("{SELECT} WHERE r.id = $1");
        let rows = self.session(Mode::Single).await?.query(&sql, vec![id.0.into()]).await?;
        rows.into_iter().next().map(read).transpose()
    }
}

/// How rows compare to those of the page before, and the direction to sort in.
const fn course(order: Order) -> (&'static str, &'static str) {
    match order {
        Order::NewestFirst => ("<", "DESC"),
        Order::OldestFirst => (">", "ASC"),
    }
}

fn read(cells: Cells) -> Result<RequestRow> {
    let mut row = Reader::new(cells);
    Ok(RequestRow { record: row.json()?, user_name: row.opt_text()?, key_name: row.opt_text()? })
}

/// Only what is asked for becomes a condition, so that the planner sees which index fits. The last parameter is
/// the number of rows.
fn conditions(filter: &RequestFilter) -> (String, Params) {
    let mut conditions = vec!["TRUE".to_owned()];
    let mut params: Params = Vec::new();
    let mut and = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            params.push(value);
            conditions.push(format!("{condition} ${}", params.len()));
        }
    };
    and("r.created_at >=", filter.from.map(Into::into));
    and("r.created_at <", filter.to.map(Into::into));
    and("r.user_id =", filter.user_id.map(|id| id.0.into()));
    and("r.key_id =", filter.key_id.map(|id| id.0.into()));
    and("r.provider_id =", filter.provider_id.map(|id| id.0.into()));
    and("r.model =", filter.model.as_ref().map(Into::into));
    and("r.dialect =", filter.dialect.map(|dialect| dialect.as_str().into()));
    and("r.session_id =", filter.session_id.as_ref().map(Into::into));
    and("r.cost_nanos >=", filter.min_cost.map(Into::into));
    if let Some((at, id)) = filter.beyond {
        params.extend([at.into(), id.0.into()]);
        let (later, _) = course(filter.order);
        conditions.push(format!("(r.created_at, r.id) {later} (${}, ${})", params.len() - 1, params.len()));
    }
    if let Some(class) = filter.status_class {
        conditions.push(
            match class {
                StatusClass::Ok => "r.status BETWEEN 200 AND 299",
                StatusClass::ClientError => "r.status BETWEEN 400 AND 499",
                StatusClass::ServerError => "(r.status = 0 OR r.status BETWEEN 500 AND 599)",
            }
            .to_owned(),
        );
    }
    params.push(filter.limit.into());
    (conditions.join(" AND "), params)
}
