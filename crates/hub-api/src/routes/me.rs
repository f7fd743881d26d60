//! What somebody may see of itself.

use axum::Json;
use axum::extract::State;
use hub_management::view::{KeyView, List, OwnLimitsView, RequestView, UsageSummaryView};
use hub_management::{ListQuery, RequestQuery, UsageQuery};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::parameters::Query;
use crate::problem::Refusals;
use crate::router::ApiState;

/// How much of the caller's limits is taken, and of those of each of its keys.
#[utoipa::path(get, path = "/me/limits", operation_id = "own_limits", tag = "self",
    responses((status = 200, description = "The limits that are set", body = OwnLimitsView), Refusals))]
pub(crate) async fn limits(
    State(state): State<ApiState>,
    caller: Authenticated,
) -> Answer<Json<OwnLimitsView>> {
    Ok(Json(state.management.own_limits(&caller.principal).await?))
}

/// Sums of whole hours of the caller's usage. `user_id` is refused: it is always the caller's.
#[utoipa::path(get, path = "/me/usage", operation_id = "own_usage", tag = "self", params(UsageQuery),
    responses((status = 200, description = "The report", body = UsageSummaryView), Refusals))]
pub(crate) async fn usage(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<UsageQuery>,
) -> Answer<Json<UsageSummaryView>> {
    Ok(Json(state.management.own_usage(&caller.principal, &query).await?))
}

/// The caller's requests, newest first. `user_id` is refused: it is always the caller's.
#[utoipa::path(get, path = "/me/requests", operation_id = "own_requests", tag = "self", params(RequestQuery),
    responses((status = 200, description = "A page", body = List<RequestView>), Refusals))]
pub(crate) async fn requests(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<RequestQuery>,
) -> Answer<Json<List<RequestView>>> {
    Ok(Json(state.management.own_requests(&caller.principal, &query).await?))
}

/// The caller's living keys.
#[utoipa::path(get, path = "/me/keys", operation_id = "own_keys", tag = "self", params(ListQuery),
    responses((status = 200, description = "A page", body = List<KeyView>), Refusals))]
pub(crate) async fn keys(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<KeyView>>> {
    Ok(Json(state.management.own_keys(&caller.principal, &query).await?))
}
