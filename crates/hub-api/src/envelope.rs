//! The session pool's manners: `{"success": true, "data": …}`, errors as `{"success": false, "error": {…}}`, and
//! the admin token as the only credential.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use hub_management::{ManagementError, Patch, Principal};
use serde::Serialize;
use serde_json::json;

use crate::authenticated::{bearer, client_address};
use crate::body::JsonObject;
use crate::parameters::Id;
use crate::problem::Problem;
use crate::router::ApiState;

/// What was asked for.
#[derive(Serialize)]
pub(crate) struct Success<T> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    data: T,
}

/// An answer without a word besides.
pub(crate) fn success<T>(data: T) -> Json<Success<T>> {
    Json(Success { success: true, message: None, data })
}

/// An answer that says what was done.
pub(crate) fn done<T>(message: &'static str, data: T) -> Json<Success<T>> {
    Json(Success { success: true, message: Some(message), data })
}

/// A problem in this interface's form.
pub(crate) struct Refusal(pub(crate) Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ManagementError> for Refusal {
    fn from(error: ManagementError) -> Self {
        // Input that can't be taken is a bad request here, whatever is wrong with it.
        let is_invalid = matches!(error, ManagementError::Invalid(_));
        let mut problem = Problem::from(error);
        if is_invalid {
            problem.status = StatusCode::BAD_REQUEST.as_u16();
        }
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = json!({"code": problem.code, "message": problem.detail});
        let mut body = Json(json!({"success": false, "error": error})).into_response();
        *body.status_mut() = status;
        if let Some(seconds) = problem.retry_after {
            body.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            body.headers_mut().insert(WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer"));
        }
        body
    }
}

/// Whoever knows the admin token. Handlers that take it are closed to everybody else.
pub(crate) struct Operator(pub(crate) Principal);

impl FromRequestParts<ApiState> for Operator {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Refusal> {
        const MISSING: ManagementError = ManagementError::Unauthenticated("send `Authorization: Bearer …`");
        let token = bearer(&parts.headers)?.ok_or(MISSING)?;
        Ok(Self(state.management.authenticate_admin_token(token, client_address(parts))?))
    }
}

/// The row that the path names.
pub(crate) struct Row<T>(pub(crate) T);

impl<T: std::str::FromStr, S: Send + Sync> FromRequestParts<S> for Row<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Id(id) = Id::from_request_parts(parts, state).await?;
        Ok(Self(id))
    }
}

/// A body that is a JSON object.
pub(crate) struct Input(pub(crate) Patch);

impl<S: Sync> FromRequest<S> for Input {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let JsonObject(members) = JsonObject::from_request(request, state).await?;
        Ok(Self(members))
    }
}
