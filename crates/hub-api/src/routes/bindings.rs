//! Clearing the bindings of sessions.

use axum::Json;
use axum::extract::State;
use hub_management::view::{ClearBindingsFields, ClearBindingsView};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::problem::{BodyRefusals, Problem, Refusals};
use crate::router::ApiState;

/// Lets go of every session that is bound to the providers meant: binding, counters, and the conversation
/// hashes that lead there. With `dry_run` it only counts. A 503 with the code `partly_cleared` says how much is
/// left; asking again finishes.
#[utoipa::path(post, path = "/sessions/clear-bindings", operation_id = "clear_bindings", tag = "sessions",
    request_body = ClearBindingsFields,
    responses((status = 200, description = "What was cleared, or would be", body = ClearBindingsView), Refusals, BodyRefusals,
        (status = 503, description = "A store does not answer. `partly_cleared`: it failed in the middle.",
            body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn clear(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<Json<ClearBindingsView>> {
    let nobody_watches = |_| {};
    Ok(Json(state.management.clear_bindings_as_asked(&caller.principal, &input, &nobody_watches).await?))
}
