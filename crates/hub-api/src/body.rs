//! Request bodies: JSON objects of at most 1 MiB.

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hub_management::Patch;
use serde_json::Value;

use crate::problem::Problem;

/// Larger bodies are refused.
const MOST_BYTES: usize = 1 << 20;

/// A body that is a JSON object; the use cases hold its members against the columns.
pub(crate) struct JsonObject(pub(crate) Patch);

impl<S: Sync> FromRequest<S> for JsonObject {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !says_json(request.headers()) {
            let detail = "send the body as `content-type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let bytes = Limited::new(Body::new(request.into_body()), MOST_BYTES).collect().await;
        let bytes = bytes.map_err(|error| {
            if error.is::<LengthLimitError>() {
                let detail = format!("the body is larger than {MOST_BYTES} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
            } else {
                Problem::new(StatusCode::BAD_REQUEST, "malformed_body", "the body broke off")
            }
        })?;
        match serde_json::from_slice(&bytes.to_bytes()) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(malformed("the body must be a JSON object".to_owned())),
            // The position, but not the text: it may hold a credential.
            Err(error) => Err(malformed(format!(
                "the body is no JSON: mistake at line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
    }
}

/// A body that is a JSON object, or none at all, which is an empty one.
pub(crate) struct OptionalJsonObject(pub(crate) Patch);

impl<S: Sync> FromRequest<S> for OptionalJsonObject {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self(Patch::new()));
        }
        JsonObject::from_request(request, state).await.map(|JsonObject(members)| Self(members))
    }
}

fn malformed(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
}

fn says_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "application/json" | "application/merge-patch+json")
}
