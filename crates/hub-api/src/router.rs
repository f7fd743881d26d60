//! The routes, put together.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::header::{CACHE_CONTROL, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{delete, get, patch, post};
use axum::{Router, http};
use hub_management::Management;

use crate::envelope::Refusal;
use crate::openapi;
use crate::problem::Problem;
use crate::routes::session_pool;

/// What the handlers work with.
#[derive(Clone)]
pub struct ApiState {
    /// The use cases.
    pub management: Arc<Management>,
    /// Mark login cookies `Secure` (ENABLE_SECURE_COOKIES): browsers then send them over TLS only.
    pub secure_cookies: bool,
}

/// The client's address as a request extension. Whoever accepts connections sets it, because that is where it
/// is known which proxies are trusted. Failed credentials are counted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Serves everything under `/api/v1`. Paths that nobody knows are answered, too (404), so this router is meant
/// to be handed all requests of its prefix rather than to be merged with others.
pub fn router(state: ApiState) -> Router {
    let (routes, _) = openapi::routes().split_for_parts();
    routes
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response(seal))
        .with_state(state)
}

/// Serves everything under `/admin`: the session pool's interface. Meant to be handed all requests of its prefix,
/// too.
pub fn pool_router(state: ApiState) -> Router {
    Router::new()
        .route("/admin/api-keys", get(session_pool::list_keys).post(session_pool::create_key))
        .route("/admin/api-keys/{id}", get(session_pool::show_key))
        .route("/admin/api-keys/{id}/collect-session", patch(session_pool::mark_key))
        .route("/admin/session-pool/stats", get(session_pool::stats))
        .route("/admin/session-pool/switch", post(session_pool::switch))
        .route("/admin/session-pool/set-current", post(session_pool::set_current))
        .route("/admin/session-pool", delete(session_pool::clear))
        .fallback(async |uri| Refusal(unknown_route(uri).await))
        .method_not_allowed_fallback(async |method, uri| Refusal(wrong_method(method, uri).await))
        .layer(map_response(seal))
        .with_state(state)
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "unknown_route", format!("there is no `{}` here", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("`{}` does not answer {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// Answers hold private things: nobody keeps them, nobody guesses at their type, no page frames them.
async fn seal(mut response: Response) -> Response {
    const SEALS: [(HeaderName, HeaderValue); 4] = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            http::header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
        (http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    response.headers_mut().extend(SEALS);
    response
}
