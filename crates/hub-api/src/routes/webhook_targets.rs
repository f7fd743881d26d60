//! Webhook targets: where alerts are sent.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::ListQuery;
use hub_management::view::{List, WebhookTargetFields, WebhookTargetView, WebhookTestView};
use hub_types::WebhookTargetId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::{Id, Query};
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// Living targets. URLs are masked.
#[utoipa::path(get, path = "/webhook-targets", operation_id = "list_webhook_targets", tag = "notifications",
    params(ListQuery),
    responses((status = 200, description = "A page", body = List<WebhookTargetView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<WebhookTargetView>>> {
    Ok(Json(state.management.list_webhook_targets(&caller.principal, &query).await?))
}

/// Adds a target.
#[utoipa::path(post, path = "/webhook-targets", operation_id = "create_webhook_target", tag = "notifications",
    request_body = WebhookTargetFields,
    responses((status = 201, description = "The target", body = WebhookTargetView), Refusals, BodyRefusals))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<(StatusCode, Json<WebhookTargetView>)> {
    let target = state.management.create_webhook_target(&caller.principal, &input).await?;
    Ok((StatusCode::CREATED, Json(target)))
}

/// One target.
#[utoipa::path(get, path = "/webhook-targets/{id}", operation_id = "show_webhook_target", tag = "notifications",
    params(("id" = i64, Path, description = "The target")),
    responses((status = 200, description = "The target", body = WebhookTargetView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<WebhookTargetId>,
) -> Answer<Json<WebhookTargetView>> {
    Ok(Json(state.management.show_webhook_target(&caller.principal, id).await?))
}

/// Edits a target by a merge patch: members replace, null brings the default back.
#[utoipa::path(patch, path = "/webhook-targets/{id}", operation_id = "update_webhook_target", tag = "notifications",
    request_body = WebhookTargetFields, params(("id" = i64, Path, description = "The target")),
    responses((status = 200, description = "The target", body = WebhookTargetView), Refusals, BodyRefusals))]
pub(crate) async fn update(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<WebhookTargetId>,
    JsonObject(input): JsonObject,
) -> Answer<Json<WebhookTargetView>> {
    Ok(Json(state.management.update_webhook_target(&caller.principal, id, &input).await?))
}

/// Deletes a target.
#[utoipa::path(delete, path = "/webhook-targets/{id}", operation_id = "delete_webhook_target", tag = "notifications",
    params(("id" = i64, Path, description = "The target")),
    responses((status = 204, description = "Deleted"), Refusals))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<WebhookTargetId>,
) -> Answer<StatusCode> {
    state.management.delete_webhook_target(&caller.principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a message that says that it is a test, once.
#[utoipa::path(post, path = "/webhook-targets/{id}/test", operation_id = "test_webhook_target", tag = "notifications",
    params(("id" = i64, Path, description = "The target")),
    responses((status = 200, description = "How it went out", body = WebhookTestView), Refusals))]
pub(crate) async fn test(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<WebhookTargetId>,
) -> Answer<Json<WebhookTestView>> {
    Ok(Json(state.management.test_webhook_target(&caller.principal, id).await?))
}
