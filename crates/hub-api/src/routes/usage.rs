//! Usage reports.

use axum::Json;
use axum::extract::State;
use hub_management::UsageQuery;
use hub_management::view::UsageSummaryView;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::parameters::Query;
use crate::problem::Refusals;
use crate::router::ApiState;

/// Sums of whole hours by user, key, provider or model, largest cost first.
#[utoipa::path(get, path = "/usage/summary", operation_id = "usage_summary", tag = "usage", params(UsageQuery),
    responses((status = 200, description = "The report", body = UsageSummaryView), Refusals))]
pub(crate) async fn summary(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<UsageQuery>,
) -> Answer<Json<UsageSummaryView>> {
    Ok(Json(state.management.usage_summary(&caller.principal, &query).await?))
}
