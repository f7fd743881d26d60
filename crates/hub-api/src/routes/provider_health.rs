//! How providers stand, and giving them another chance.

use axum::Json;
use axum::extract::State;
use hub_management::view::ProviderHealthView;
use hub_types::ProviderId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::parameters::Id;
use crate::problem::Refusals;
use crate::router::ApiState;

/// A provider's circuit breaker, the pause that it asked for, and its windows of money.
#[utoipa::path(get, path = "/providers/{id}/health", operation_id = "show_provider_health", tag = "providers",
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 200, description = "How it stands", body = ProviderHealthView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
) -> Answer<Json<ProviderHealthView>> {
    Ok(Json(state.management.provider_health(&caller.principal, id).await?))
}

/// Closes a provider's breaker and ends its pause: the next request may go there.
#[utoipa::path(post, path = "/providers/{id}/breaker/reset", operation_id = "reset_breaker", tag = "providers",
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 200, description = "How it stands now", body = ProviderHealthView), Refusals))]
pub(crate) async fn reset(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
) -> Answer<Json<ProviderHealthView>> {
    Ok(Json(state.management.reset_breaker(&caller.principal, id).await?))
}
