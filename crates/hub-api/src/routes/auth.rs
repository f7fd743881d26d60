//! Logging in and out with a cookie.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse};
use hub_management::view::ActorView;
use hub_management::{FieldError, ManagementError, Patch};
use serde_json::Value;
use utoipa::ToSchema;

use super::Answer;
use crate::authenticated::{Authenticated, client_address};
use crate::body::JsonObject;
use crate::cookie;
use crate::problem::{BodyRefusals, Problem, Refusals};
use crate::router::ApiState;

/// A credential to log in with.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "only described: the members are taken out of the body by hand, so that errors name them"
)]
pub(crate) struct LoginBody {
    /// ADMIN_TOKEN, or a hub key with `can_login_web_ui`.
    token: String,
}

/// Where the request comes from.
pub(crate) struct Origin(Option<std::net::IpAddr>);

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(client_address(parts)))
    }
}

/// Logs in: sets a session cookie and answers with the cross-site token that changes need.
#[utoipa::path(post, path = "/auth/login", tag = "session", security(()), request_body = LoginBody,
    responses((status = 200, description = "Logged in", body = ActorView), Refusals, BodyRefusals))]
pub(crate) async fn login(
    State(state): State<ApiState>,
    Origin(address): Origin,
    JsonObject(body): JsonObject,
) -> Answer<impl IntoResponse> {
    let login = state.management.login(token_of(&body)?, address).await?;
    let max_age = state.management.login_seconds();
    let cookie = cookie::start(login.token.expose(), max_age, state.secure_cookies);
    let headers = AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok((headers, Json(login.actor)))
}

/// Logs out: ends the session and takes the cookie away.
#[utoipa::path(post, path = "/auth/logout", tag = "session",
    responses((status = 204, description = "Logged out"), Refusals))]
pub(crate) async fn logout(
    State(state): State<ApiState>,
    _caller: Authenticated,
    headers: HeaderMap,
) -> Answer<impl IntoResponse> {
    if let Some(token) = cookie::session_token(&headers) {
        state.management.logout(token).await?;
    }
    let cookie = cookie::end(state.secure_cookies);
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie)))))
}

/// Who the caller is.
#[utoipa::path(get, path = "/auth/me", tag = "session",
    responses((status = 200, description = "The caller", body = ActorView), Refusals))]
pub(crate) async fn me(State(state): State<ApiState>, caller: Authenticated) -> Json<ActorView> {
    Json(caller.view(&state))
}

fn token_of(body: &Patch) -> Result<&str, ManagementError> {
    let mut errors: Vec<_> = body
        .keys()
        .filter(|name| *name != "token")
        .map(|name| FieldError::new(name, "unknown field"))
        .collect();
    match body.get("token") {
        Some(Value::String(token)) if errors.is_empty() => return Ok(token),
        Some(Value::String(_)) => {}
        Some(_) => errors.push(FieldError::new("token", "must be a text")),
        None => errors.push(FieldError::new("token", "is required")),
    }
    Err(ManagementError::Invalid(errors))
}
