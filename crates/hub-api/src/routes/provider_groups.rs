//! Provider groups: names with a price factor.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::view::{List, ProviderGroupFields, ProviderGroupView};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::Id;
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// All groups that have a row of their own.
#[utoipa::path(get, path = "/provider-groups", operation_id = "list_provider_groups", tag = "provider-groups",
    responses((status = 200, description = "All of them", body = List<ProviderGroupView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
) -> Answer<Json<List<ProviderGroupView>>> {
    Ok(Json(state.management.list_provider_groups(&caller.principal).await?))
}

/// Adds a group.
#[utoipa::path(post, path = "/provider-groups", operation_id = "create_provider_group",
    tag = "provider-groups", request_body = ProviderGroupFields,
    responses((status = 201, description = "The group", body = ProviderGroupView), Refusals, BodyRefusals))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<(StatusCode, Json<ProviderGroupView>)> {
    let group = state.management.create_provider_group(&caller.principal, &input).await?;
    Ok((StatusCode::CREATED, Json(group)))
}

/// Edits a group by a merge patch. Its name stays.
#[utoipa::path(patch, path = "/provider-groups/{name}", operation_id = "update_provider_group",
    tag = "provider-groups", request_body = ProviderGroupFields,
    params(("name" = String, Path, description = "The group")),
    responses((status = 200, description = "The group", body = ProviderGroupView), Refusals, BodyRefusals))]
pub(crate) async fn update(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(name): Id<String>,
    JsonObject(input): JsonObject,
) -> Answer<Json<ProviderGroupView>> {
    Ok(Json(state.management.update_provider_group(&caller.principal, &name, &input).await?))
}

/// Removes a group's row; its members stay in a group of that name, with a factor of 1.
#[utoipa::path(delete, path = "/provider-groups/{name}", operation_id = "delete_provider_group",
    tag = "provider-groups", params(("name" = String, Path, description = "The group")),
    responses((status = 204, description = "Deleted"), Refusals))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(name): Id<String>,
) -> Answer<StatusCode> {
    state.management.delete_provider_group(&caller.principal, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
