//! Active sessions.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hub_management::view::{List, SessionDetailView, SessionView, TerminateFields, TerminatedView};
use hub_management::{ListQuery, SessionQuery};
use hub_types::{NoSessionId, SessionId};

use super::Answer;
use crate::authenticated::Authenticated;
use crate::body::JsonObject;
use crate::parameters::{Id, Query};
use crate::problem::{BodyRefusals, Refusals};
use crate::router::ApiState;

/// A session's id in a path.
pub(crate) struct SessionPath(SessionId);

impl FromStr for SessionPath {
    type Err = NoSessionId;

    fn from_str(text: &str) -> Result<Self, NoSessionId> {
        SessionId::parse(text).map(Self)
    }
}

/// Active sessions, most recently seen first; an ordinary user sees only its own, without providers.
///
/// A session that is heard of while pages are turned moves to the front.
#[utoipa::path(get, path = "/sessions", operation_id = "list_sessions", tag = "sessions", params(SessionQuery),
    responses((status = 200, description = "A page", body = List<SessionView>), Refusals))]
pub(crate) async fn list(
    State(state): State<ApiState>,
    caller: Authenticated,
    Query(query): Query<SessionQuery>,
) -> Answer<Json<List<SessionView>>> {
    Ok(Json(state.management.list_sessions(&caller.principal, &query).await?))
}

/// One active session with its requests, oldest first.
///
/// `limit` and `cursor` page through the requests. Those of a session that is over are found by
/// `GET /requests?session_id=…`.
#[utoipa::path(get, path = "/sessions/{sid}", operation_id = "show_session", tag = "sessions",
    params(("sid" = String, Path, description = "The session, such as `k12.0193a-b`"), ListQuery),
    responses((status = 200, description = "The session", body = SessionDetailView), Refusals))]
pub(crate) async fn show(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(SessionPath(session)): Id<SessionPath>,
    Query(query): Query<ListQuery>,
) -> Answer<Json<SessionDetailView>> {
    Ok(Json(state.management.show_session(&caller.principal, &session, &query).await?))
}

/// Ends a session. For admins.
///
/// Its binding and its counters are dropped, requests under way go on; its next request begins anew.
#[utoipa::path(delete, path = "/sessions/{sid}", operation_id = "end_session", tag = "sessions",
    params(("sid" = String, Path, description = "The session, such as `k12.0193a-b`")),
    responses((status = 204, description = "Ended"), Refusals))]
pub(crate) async fn end(
    State(state): State<ApiState>,
    caller: Authenticated,
    Id(SessionPath(session)): Id<SessionPath>,
) -> Answer<StatusCode> {
    state.management.end_session(&caller.principal, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends many sessions, and says of each what became of it. For admins.
#[utoipa::path(post, path = "/sessions/terminate", operation_id = "terminate_sessions", tag = "sessions",
    request_body = TerminateFields,
    responses((status = 200, description = "What became of them", body = TerminatedView), Refusals, BodyRefusals))]
pub(crate) async fn terminate(
    State(state): State<ApiState>,
    caller: Authenticated,
    JsonObject(input): JsonObject,
) -> Answer<Json<TerminatedView>> {
    Ok(Json(state.management.terminate_sessions(&caller.principal, &input).await?))
}
