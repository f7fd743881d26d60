//! How many requests limits have refused.

use axum::Json;
use axum::extract::State;
use hub_management::LimitEventQuery;
use hub_management::view::{LimitEventView, List};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::parameters::Query;
use crate::problem::Refusals;
use crate::router::ApiState;

/// Requests that limits refused, counted by hour, limit, user and key; an ordinary user sees only its own.
#[utoipa::path(get, path = "/limit-events", operation_id = "list_limit_events", tag = "usage",
    params(LimitEventQuery),
    responses((status = 200, description = "A page, the latest hours first", body = List<LimitEventView>),
        Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<LimitEventQuery>,
) -> Answer<Json<List<LimitEventView>>> {
    Ok(Json(state.management.limit_events(&caller.principal, &query).await?))
}
