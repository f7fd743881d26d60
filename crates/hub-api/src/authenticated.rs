//! The caller of a request: a bearer credential, or a login cookie with its cross-site token.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use hub_management::view::ActorView;
use hub_management::{ManagementError, Principal, Resumed};

use crate::cookie;
use crate::problem::Problem;
use crate::router::{ApiState, ClientAddress};

/// The header that proves that a page of the hub itself sends a change.
const CSRF_HEADER: &str = "x-csrf-token";

/// A known caller. Handlers that take it are closed to everybody else.
pub(crate) struct Authenticated {
    /// Who it is.
    pub(crate) principal: Principal,
    /// The web login, if that is how the caller is known.
    login: Option<Resumed>,
}

impl Authenticated {
    /// The caller as told to the caller.
    pub(crate) fn view(&self, state: &ApiState) -> ActorView {
        let login = self.login.as_ref().map(|login| (login.csrf_token.expose().to_owned(), login.expires_at));
        state.management.whoami(&self.principal, login)
    }
}

impl FromRequestParts<ApiState> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let address = client_address(parts);
        if let Some(token) = bearer(&parts.headers)? {
            let principal = state.management.authenticate(token, address).await?;
            return Ok(Self { principal, login: None });
        }
        let token = cookie::session_token(&parts.headers)
            .ok_or(ManagementError::Unauthenticated("send `Authorization: Bearer …` or log in"))?;
        let login = state.management.resume(token, address).await?;
        if changes(&parts.method) && !has_csrf_token(&parts.headers, &login) {
            let detail = format!("a change with a login cookie needs the login's `{CSRF_HEADER}` header");
            return Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail));
        }
        Ok(Self { principal: login.principal.clone(), login: Some(login) })
    }
}

/// The client's address, if the one who accepted the connection told.
pub(crate) fn client_address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ClientAddress>().map(|address| address.0)
}

pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ManagementError> {
    const MALFORMED: ManagementError =
        ManagementError::Unauthenticated("`Authorization` must be one `Bearer` and a credential");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(MALFORMED);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(MALFORMED)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(MALFORMED);
    }
    Ok(Some(token))
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn has_csrf_token(headers: &HeaderMap, login: &Resumed) -> bool {
    let given = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| login.csrf_token.matches(given))
}
