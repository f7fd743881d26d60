//! Testing providers, and the models that they tell.

use axum::Json;
use axum::extract::State;
use hub_management::view::{ProviderFields, ProviderModelsView, ProviderTestFields, ProviderTestView};
use hub_types::ProviderId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::{JsonObject, OptionalJsonObject};
use crate::parameters::Id;
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// Sends a small real request to a provider. It costs what such a request costs, and counts for nothing in the hub.
#[utoipa::path(post, path = "/providers/{id}/test", operation_id = "test_provider", tag = "providers",
    params(("id" = i64, Path, description = "The provider")), request_body = Option<ProviderTestFields>,
    responses((status = 200, description = "How it answered", body = ProviderTestView), Refusals, BodyRefusals))]
pub(crate) async fn test(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
    OptionalJsonObject(input): OptionalJsonObject,
) -> Answer<Json<ProviderTestView>> {
    Ok(Json(state.management.test_provider(&caller.principal, id, &input).await?))
}

/// The same for a provider that is not saved: the columns of a new one, and `model`.
#[utoipa::path(post, path = "/providers/test", operation_id = "test_new_provider", tag = "providers",
    request_body = ProviderFields,
    responses((status = 200, description = "How it answered", body = ProviderTestView), Refusals, BodyRefusals))]
pub(crate) async fn test_new(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<Json<ProviderTestView>> {
    Ok(Json(state.management.test_new_provider(&caller.principal, &input).await?))
}

/// Asks a provider for the list of its models.
#[utoipa::path(get, path = "/providers/{id}/models", operation_id = "list_provider_models", tag = "providers",
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 200, description = "Its models", body = ProviderModelsView), Refusals))]
pub(crate) async fn models(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
) -> Answer<Json<ProviderModelsView>> {
    Ok(Json(state.management.provider_models(&caller.principal, id).await?))
}
