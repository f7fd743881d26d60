//! Providers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::ListQuery;
use hub_management::view::{List, ProviderFields, ProviderView};
use hub_types::ProviderId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::{Id, Query};
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// Living providers. Secrets are masked.
#[utoipa::path(get, path = "/providers", operation_id = "list_providers", tag = "providers", params(ListQuery),
    responses((status = 200, description = "A page", body = List<ProviderView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<ProviderView>>> {
    Ok(Json(state.management.list_providers(&caller.principal, &query).await?))
}

/// Adds a provider.
#[utoipa::path(post, path = "/providers", operation_id = "create_provider", tag = "providers", request_body = ProviderFields,
    responses((status = 201, description = "The provider", body = ProviderView), Refusals, BodyRefusals))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<(StatusCode, Json<ProviderView>)> {
    let provider = state.management.create_provider(&caller.principal, &input).await?;
    Ok((StatusCode::CREATED, Json(provider)))
}

/// One provider.
#[utoipa::path(get, path = "/providers/{id}", operation_id = "show_provider", tag = "providers",
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 200, description = "The provider", body = ProviderView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
) -> Answer<Json<ProviderView>> {
    Ok(Json(state.management.show_provider(&caller.principal, id).await?))
}

/// Edits a provider by a merge patch: members replace, null brings the default back.
#[utoipa::path(patch, path = "/providers/{id}", operation_id = "update_provider", tag = "providers", request_body = ProviderFields,
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 200, description = "The provider", body = ProviderView), Refusals, BodyRefusals))]
pub(crate) async fn update(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
    JsonObject(input): JsonObject,
) -> Answer<Json<ProviderView>> {
    Ok(Json(state.management.update_provider(&caller.principal, id, &input).await?))
}

/// Deletes a provider. Its records stay.
#[utoipa::path(delete, path = "/providers/{id}", operation_id = "delete_provider", tag = "providers",
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 204, description = "Deleted"), Refusals))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
) -> Answer<StatusCode> {
    state.management.delete_provider(&caller.principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
