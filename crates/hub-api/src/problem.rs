//! Errors as problem documents (RFC 9457), for people and for programs.

use std::collections::BTreeMap;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hub_management::{FieldError, ManagementError};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{Content, Ref, RefOr, Response as Described, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// A refused or failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the title is the status in words, `code` says more.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What happened, in words.
    pub detail: String,
    /// What happened, as a stable word.
    pub code: String,
    /// The fields at fault, if it is about fields.
    pub errors: Vec<FieldError>,
    /// Seconds to wait before the next try; told as `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem that is not about fields.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            errors: Vec::new(),
            retry_after: None,
        }
    }
}

impl From<ManagementError> for Problem {
    fn from(error: ManagementError) -> Self {
        if let Some(internal) = error.internal() {
            tracing::error!(code = error.code(), error = internal, "a management request failed");
        }
        let status = match error {
            ManagementError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ManagementError::NotFound | ManagementError::NotInPool => StatusCode::NOT_FOUND,
            ManagementError::Forbidden(_) => StatusCode::FORBIDDEN,
            ManagementError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            ManagementError::Conflict
            | ManagementError::Duplicate { .. }
            | ManagementError::PoolTooSmall { .. } => StatusCode::CONFLICT,
            ManagementError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            ManagementError::Unavailable(_)
            | ManagementError::NoSessions
            | ManagementError::SessionsUnavailable(_)
            | ManagementError::NoLimits
            | ManagementError::NoBreakers
            | ManagementError::NoProviderTests
            | ManagementError::NoWebhooks
            | ManagementError::NoErrorRuleTests
            | ManagementError::LimitsUnavailable(_)
            | ManagementError::PartlyCleared { .. } => StatusCode::SERVICE_UNAVAILABLE,
            ManagementError::Misconfigured(_) | ManagementError::Internal(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let retry_after = match error {
            ManagementError::Throttled { retry_after } => Some(retry_after),
            ManagementError::Unavailable(_)
            | ManagementError::SessionsUnavailable(_)
            | ManagementError::LimitsUnavailable(_)
            | ManagementError::PartlyCleared { .. } => Some(1),
            _ => None,
        };
        Self { errors: error.fields(), retry_after, ..Self::new(status, error.code(), error.to_string()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let content_type = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(CONTENT_TYPE, content_type)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The problems that any route may answer with, for the OpenAPI document.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        describe(&[
            ("401", "No credential, or one that nobody has."),
            ("403", "Not for this caller, or the cross-site token is missing."),
            ("404", "There is no such thing, or not for this caller."),
            ("422", "The input can't be taken; `errors` names the fields."),
            ("429", "Too many wrong credentials from this address."),
            ("503", "The database, the session store or the counters of limits do not answer."),
        ])
    }
}

/// The problems of routes that take a body.
pub(crate) struct BodyRefusals;

impl IntoResponses for BodyRefusals {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        describe(&[
            ("400", "The body is no JSON."),
            ("409", "Another row has the same name, or others edit this one."),
            ("413", "The body is larger than 1 MiB."),
            ("415", "The body does not say that it is JSON."),
        ])
    }
}

fn describe(refusals: &[(&str, &str)]) -> BTreeMap<String, RefOr<Described>> {
    let problem = || Content::new(Some(Ref::from_schema_name("Problem")));
    let described = |text: &str| {
        ResponseBuilder::new().description(text).content("application/problem+json", problem()).build()
    };
    refusals.iter().map(|(status, text)| ((*status).to_owned(), RefOr::T(described(text)))).collect()
}
