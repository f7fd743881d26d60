//! How much of the limits of users, keys and providers is taken, and starting over.

use axum::Json;
use axum::extract::State;
use hub_management::view::{KeyView, LimitsView, ProviderView, UserView};
use hub_types::{KeyId, ProviderId, UserId};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::parameters::Id;
use crate::problem::Refusals;
use crate::router::ApiState;

/// How much of each of a user's limits is taken.
#[utoipa::path(get, path = "/users/{id}/limits", operation_id = "show_user_limits", tag = "users",
    params(("id" = i64, Path, description = "The user")),
    responses((status = 200, description = "The limits that are set", body = LimitsView), Refusals))]
pub(crate) async fn of_user(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<UserId>,
) -> Answer<Json<LimitsView>> {
    Ok(Json(state.management.user_limits(&caller.principal, id).await?))
}

/// Lets a user's windows of money begin anew. Those of the user's keys go on.
#[utoipa::path(post, path = "/users/{id}/limits/reset", operation_id = "reset_user_limits", tag = "users",
    params(("id" = i64, Path, description = "The user")),
    responses((status = 200, description = "The user", body = UserView), Refusals))]
pub(crate) async fn reset_user(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<UserId>,
) -> Answer<Json<UserView>> {
    Ok(Json(state.management.reset_user_limits(&caller.principal, id).await?))
}

/// How much of each of a key's own limits is taken. Those of its user apply as well.
#[utoipa::path(get, path = "/keys/{id}/limits", operation_id = "show_key_limits", tag = "keys",
    params(("id" = i64, Path, description = "The key")),
    responses((status = 200, description = "The limits that are set", body = LimitsView), Refusals))]
pub(crate) async fn of_key(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<KeyId>,
) -> Answer<Json<LimitsView>> {
    Ok(Json(state.management.key_limits(&caller.principal, id).await?))
}

/// Lets a key's windows of money and tokens begin anew. Those of its user go on.
#[utoipa::path(post, path = "/keys/{id}/limits/reset", operation_id = "reset_key_limits", tag = "keys",
    params(("id" = i64, Path, description = "The key")),
    responses((status = 200, description = "The key", body = KeyView), Refusals))]
pub(crate) async fn reset_key(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<KeyId>,
) -> Answer<Json<KeyView>> {
    Ok(Json(state.management.reset_key_limits(&caller.principal, id).await?))
}

/// How much of each of a provider's limits is taken.
#[utoipa::path(get, path = "/providers/{id}/limits", operation_id = "show_provider_limits", tag = "providers",
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 200, description = "The limits that are set", body = LimitsView), Refusals))]
pub(crate) async fn of_provider(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
) -> Answer<Json<LimitsView>> {
    Ok(Json(state.management.provider_limits(&caller.principal, id).await?))
}

/// Lets a provider's windows of money begin anew. Sessions stay bound to it.
#[utoipa::path(post, path = "/providers/{id}/limits/reset", operation_id = "reset_provider_limits",
    tag = "providers",
    params(("id" = i64, Path, description = "The provider")),
    responses((status = 200, description = "The provider", body = ProviderView), Refusals))]
pub(crate) async fn reset_provider(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ProviderId>,
) -> Answer<Json<ProviderView>> {
    Ok(Json(state.management.reset_provider_limits(&caller.principal, id).await?))
}
