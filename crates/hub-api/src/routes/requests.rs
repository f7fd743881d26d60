//! Request records.

use axum::Json;
use axum::extract::State;
use hub_management::RequestQuery;
use hub_management::view::{List, RequestDetailView, RequestView};
use hub_types::RequestId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::parameters::{Id, Query};
use crate::problem::Refusals;
use crate::router::ApiState;

/// Requests, newest first; an ordinary user sees only its own, without providers.
#[utoipa::path(get, path = "/requests", operation_id = "list_requests", tag = "requests", params(RequestQuery),
    responses((status = 200, description = "A page", body = List<RequestView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<RequestQuery>,
) -> Answer<Json<List<RequestView>>> {
    Ok(Json(state.management.list_requests(&caller.principal, &query).await?))
}

/// One request with its decision chain.
#[utoipa::path(get, path = "/requests/{id}", operation_id = "show_request", tag = "requests",
    params(("id" = String, Path, description = "The request: its `x-request-id`")),
    responses((status = 200, description = "The request", body = RequestDetailView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<RequestId>,
) -> Answer<Json<RequestDetailView>> {
    Ok(Json(state.management.show_request(&caller.principal, id).await?))
}
