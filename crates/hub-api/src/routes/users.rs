//! Users.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::ListQuery;
use hub_management::view::{List, UserFields, UserView};
use hub_types::UserId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::{Id, Query};
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// Living users; an ordinary user sees only itself.
#[utoipa::path(get, path = "/users", operation_id = "list_users", tag = "users", params(ListQuery),
    responses((status = 200, description = "A page", body = List<UserView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<UserView>>> {
    Ok(Json(state.management.list_users(&caller.principal, &query).await?))
}

/// Adds a user.
#[utoipa::path(post, path = "/users", operation_id = "create_user", tag = "users", request_body = UserFields,
    responses((status = 201, description = "The user", body = UserView), Refusals, BodyRefusals))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<(StatusCode, Json<UserView>)> {
    let user = state.management.create_user(&caller.principal, &input).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// One user.
#[utoipa::path(get, path = "/users/{id}", operation_id = "show_user", tag = "users",
    params(("id" = i64, Path, description = "The user")),
    responses((status = 200, description = "The user", body = UserView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<UserId>,
) -> Answer<Json<UserView>> {
    Ok(Json(state.management.show_user(&caller.principal, id).await?))
}

/// Edits a user by a merge patch: members replace, null brings the default back.
#[utoipa::path(patch, path = "/users/{id}", operation_id = "update_user", tag = "users", request_body = UserFields,
    params(("id" = i64, Path, description = "The user")),
    responses((status = 200, description = "The user", body = UserView), Refusals, BodyRefusals))]
pub(crate) async fn update(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<UserId>,
    JsonObject(input): JsonObject,
) -> Answer<Json<UserView>> {
    Ok(Json(state.management.update_user(&caller.principal, id, &input).await?))
}

/// Deletes a user and the user's keys. Its records stay.
#[utoipa::path(delete, path = "/users/{id}", operation_id = "delete_user", tag = "users",
    params(("id" = i64, Path, description = "The user")),
    responses((status = 204, description = "Deleted"), Refusals))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<UserId>,
) -> Answer<StatusCode> {
    state.management.delete_user(&caller.principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
