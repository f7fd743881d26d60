//! Error rules: what operators know about the errors of providers.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::ListQuery;
use hub_management::view::{ErrorRuleFields, ErrorRuleTestFields, ErrorRuleTestView, ErrorRuleView, List};
use hub_types::ErrorRuleId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::{Id, Query};
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// Living rules, by id.
#[utoipa::path(get, path = "/error-rules", operation_id = "list_error_rules", tag = "rules",
    params(ListQuery),
    responses((status = 200, description = "A page", body = List<ErrorRuleView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Answer<Json<List<ErrorRuleView>>> {
    Ok(Json(state.management.list_error_rules(&caller.principal, &query).await?))
}

/// Adds a rule.
#[utoipa::path(post, path = "/error-rules", operation_id = "create_error_rule", tag = "rules",
    request_body = ErrorRuleFields,
    responses((status = 201, description = "The rule", body = ErrorRuleView), Refusals, BodyRefusals))]
pub(crate) async fn create(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<(StatusCode, Json<ErrorRuleView>)> {
    let rule = state.management.create_error_rule(&caller.principal, &input).await?;
    Ok((StatusCode::CREATED, Json(rule)))
}

/// One rule.
#[utoipa::path(get, path = "/error-rules/{id}", operation_id = "show_error_rule", tag = "rules",
    params(("id" = i64, Path, description = "The rule")),
    responses((status = 200, description = "The rule", body = ErrorRuleView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ErrorRuleId>,
) -> Answer<Json<ErrorRuleView>> {
    Ok(Json(state.management.show_error_rule(&caller.principal, id).await?))
}

/// Edits a rule by a merge patch: members replace, null brings the default back.
#[utoipa::path(patch, path = "/error-rules/{id}", operation_id = "update_error_rule", tag = "rules",
    request_body = ErrorRuleFields, params(("id" = i64, Path, description = "The rule")),
    responses((status = 200, description = "The rule", body = ErrorRuleView), Refusals, BodyRefusals))]
pub(crate) async fn update(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ErrorRuleId>,
    JsonObject(input): JsonObject,
) -> Answer<Json<ErrorRuleView>> {
    Ok(Json(state.management.update_error_rule(&caller.principal, id, &input).await?))
}

/// Deletes a rule.
#[utoipa::path(delete, path = "/error-rules/{id}", operation_id = "delete_error_rule", tag = "rules",
    params(("id" = i64, Path, description = "The rule")),
    responses((status = 204, description = "Deleted"), Refusals))]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<ErrorRuleId>,
) -> Answer<StatusCode> {
    state.management.delete_error_rule(&caller.principal, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells what would become of an answer of a provider: by a rule that is not saved, or by all that are. Nothing is
/// sent or kept.
#[utoipa::path(post, path = "/error-rules/test", operation_id = "test_error_rules", tag = "rules",
    request_body = ErrorRuleTestFields,
    responses((status = 200, description = "What it is, and who says so", body = ErrorRuleTestView), Refusals, BodyRefusals))]
pub(crate) async fn test(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<Json<ErrorRuleTestView>> {
    Ok(Json(state.management.test_error_rules(&caller.principal, &input).await?))
}
