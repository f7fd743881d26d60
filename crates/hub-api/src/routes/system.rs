//! The state of the hub, and what admins did.

use axum::Json;
use axum::extract::State;
use hub_management::ListQuery;
use hub_management::view::{AuditView, List, StatusView};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::parameters::Query;
use crate::problem::Refusals;
use crate::router::ApiState;

/// The state of stores and journal.
#[utoipa::path(get, path = "/system/status", operation_id = "system_status", tag = "system",
    responses((status = 200, description = "The state", body = StatusView), Refusals))]
pub(crate) async fn status(State(state): State<ApiState>, caller: Authenticated) -> Answer<Json<StatusView>> {
    Ok(Json(state.management.status(&caller.principal).await?))
}

/// What admins did, newest first.
#[utoipa::path(get, path = "/audit", operation_id = "list_audit", tag = "system", params(ListQuery),
    responses((status = 200, description = "A page", body = List<AuditView>), Refusals))]
pub(crate) async fn audit(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<AuditView>>> {
    Ok(Json(state.management.list_audit(&caller.principal, &query).await?))
}
