//! Hub keys.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::ListQuery;
use hub_management::view::{KeyFields, KeyView, List, NewKeyView};
use hub_types::{KeyId, UserId};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::{Id, Query};
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// Living keys of all users; an ordinary user sees only its own.
#[utoipa::path(get, path = "/keys", operation_id = "list_keys", tag = "keys", params(ListQuery),
    responses((status = 200, description = "A page", body = List<KeyView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<KeyView>>> {
    Ok(Json(state.management.list_keys(&caller.principal, None, &query).await?))
}

/// Living keys of one user.
#[utoipa::path(get, path = "/users/{id}/keys", operation_id = "list_user_keys", tag = "keys",
    params(("id" = i64, Path, description = "The user"), ListQuery),
    responses((status = 200, description = "A page", body = List<KeyView>), Refusals))]
pub(crate) async fn list_of_user(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(user): Id<UserId>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<KeyView>>> {
    Ok(Json(state.management.list_keys(&caller.principal, Some(user), &query).await?))
}

/// Adds a key to a user. The answer is the only place where the full key is ever shown.
#[utoipa::path(post, path = "/users/{id}/keys", operation_id = "create_key", tag = "keys",
    request_body = KeyFields, params(("id" = i64, Path, description = "The user")),
    responses((status = 201, description = "The key", body = NewKeyView), Refusals, BodyRefusals))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(user): Id<UserId>,
    JsonObject(input): JsonObject,
) -> Answer<(StatusCode, Json<NewKeyView>)> {
    let key = state.management.create_key(&caller.principal, user, &input).await?;
    Ok((StatusCode::CREATED, Json(key)))
}

/// One key.
#[utoipa::path(get, path = "/keys/{id}", operation_id = "show_key", tag = "keys",
    params(("id" = i64, Path, description = "The key")),
    responses((status = 200, description = "The key", body = KeyView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<KeyId>,
) -> Answer<Json<KeyView>> {
    Ok(Json(state.management.show_key(&caller.principal, id).await?))
}

/// Edits a key by a merge patch: members replace, null brings the default back.
#[utoipa::path(patch, path = "/keys/{id}", operation_id = "update_key", tag = "keys",
    request_body = KeyFields, params(("id" = i64, Path, description = "The key")),
    responses((status = 200, description = "The key", body = KeyView), Refusals, BodyRefusals))]
pub(crate) async fn update(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<KeyId>,
    JsonObject(input): JsonObject,
) -> Answer<Json<KeyView>> {
    Ok(Json(state.management.update_key(&caller.principal, id, &input).await?))
}

/// Deletes a key. Its records stay.
#[utoipa::path(delete, path = "/keys/{id}", operation_id = "delete_key", tag = "keys",
    params(("id" = i64, Path, description = "The key")),
    responses((status = 204, description = "Deleted"), Refusals))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<KeyId>,
) -> Answer<StatusCode> {
    state.management.delete_key(&caller.principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a key a new credential, shown only here; the old one is void at once.
#[utoipa::path(post, path = "/keys/{id}/rotate", operation_id = "rotate_key", tag = "keys",
    params(("id" = i64, Path, description = "The key")),
    responses((status = 200, description = "The key", body = NewKeyView), Refusals))]
pub(crate) async fn rotate(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<KeyId>,
) -> Answer<Json<NewKeyView>> {
    Ok(Json(state.management.rotate_key(&caller.principal, id).await?))
}
