//! Choices of providers: simulated, explained, played through under another configuration.

use axum::Json;
use axum::extract::State;
use hub_management::view::{ExplanationView, SimulateFields, SimulationView, WhatIfFields, WhatIfView};
use hub_types::RequestId;

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::Id;
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// Who would serve a request, and who would not, and why. Nothing is sent anywhere.
#[utoipa::path(post, path = "/routing/simulate", operation_id = "simulate_routing", tag = "routing",
    request_body = SimulateFields,
    responses((status = 200, description = "Stages and candidates", body = SimulationView), Refusals, BodyRefusals))]
pub(crate) async fn simulate(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<Json<SimulationView>> {
    Ok(Json(state.management.simulate_routing(&caller.principal, &input).await?))
}

/// Which providers recorded requests would have gone to first, had some of them been other than they were.
#[utoipa::path(post, path = "/routing/what-if", operation_id = "what_if", tag = "routing",
    request_body = WhatIfFields,
    responses((status = 200, description = "What would have been different", body = WhatIfView), Refusals, BodyRefusals))]
pub(crate) async fn what_if(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<Json<WhatIfView>> {
    Ok(Json(state.management.what_if(&caller.principal, &input).await?))
}

/// Why a request went where it went: its choices of providers, computed again from the configuration of then.
#[utoipa::path(get, path = "/requests/{id}/explain", operation_id = "explain_request", tag = "requests",
    params(("id" = String, Path, description = "The request: its `x-request-id`")),
    responses((status = 200, description = "The choices", body = ExplanationView), Refusals))]
pub(crate) async fn explain(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(id): Id<RequestId>,
) -> Answer<Json<ExplanationView>> {
    Ok(Json(state.management.explain_request(&caller.principal, id).await?))
}
