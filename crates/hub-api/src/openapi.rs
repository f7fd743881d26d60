//! The OpenAPI document, made from the handlers, and the route that serves it.

use axum::Json;
use hub_management::FieldError;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::router::ApiState;
use crate::routes::{
    auth, bindings, error_rules, keys, limit_events, limits, me, provider_groups, provider_health,
    provider_test, providers, requests, routing, sessions, system, usage, users, webhook_targets,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Claude Code Hub",
        description = "Management of users, keys and providers; reports. Errors are problem documents (RFC 9457). \
                       PATCH bodies are JSON merge patches (RFC 7396). Money is a decimal string in US dollars."
    ),
    modifiers(&Credentials),
    components(schemas(Problem, FieldError)),
    security(("bearer" = []), ("cookie" = []))
)]
struct Hub;

/// How callers prove who they are.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", bearer);
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("hub_session")));
        components.add_security_scheme("cookie", cookie);
    }
}

/// All routes with their descriptions.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(auth::login))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::show, users::update, users::delete))
        .routes(routes!(keys::list_of_user, keys::create))
        .routes(routes!(keys::list))
        .routes(routes!(keys::show, keys::update, keys::delete))
        .routes(routes!(keys::rotate))
        .routes(routes!(provider_health::show))
        .routes(routes!(provider_health::reset))
        .routes(routes!(provider_test::test))
        .routes(routes!(provider_test::test_new))
        .routes(routes!(provider_test::models))
        .routes(routes!(limits::of_user))
        .routes(routes!(limits::reset_user))
        .routes(routes!(limits::of_key))
        .routes(routes!(limits::reset_key))
        .routes(routes!(limits::of_provider))
        .routes(routes!(limits::reset_provider))
        .routes(routes!(limit_events::list))
        .routes(routes!(providers::list, providers::create))
        .routes(routes!(providers::show, providers::update, providers::delete))
        .routes(routes!(provider_groups::list, provider_groups::create))
        .routes(routes!(provider_groups::update, provider_groups::delete))
        .routes(routes!(bindings::clear))
        .routes(routes!(requests::list))
        .routes(routes!(requests::show))
        .routes(routes!(routing::explain))
        .routes(routes!(routing::simulate))
        .routes(routes!(routing::what_if))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::terminate))
        .routes(routes!(sessions::show, sessions::end))
        .routes(routes!(usage::summary))
        .routes(routes!(me::limits))
        .routes(routes!(me::usage))
        .routes(routes!(me::requests))
        .routes(routes!(me::keys))
        .routes(routes!(error_rules::list, error_rules::create))
        .routes(routes!(error_rules::show, error_rules::update, error_rules::delete))
        .routes(routes!(error_rules::test))
        .routes(routes!(webhook_targets::list, webhook_targets::create))
        .routes(routes!(webhook_targets::show, webhook_targets::update, webhook_targets::delete))
        .routes(routes!(webhook_targets::test))
        .routes(routes!(system::status))
        .routes(routes!(system::audit))
        .routes(routes!(openapi));
    OpenApiRouter::with_openapi(Hub::openapi()).nest("/api/v1", v1)
}

/// The OpenAPI 3.1 document of everything under `/api/v1`.
pub fn document() -> Document {
    routes().into_openapi()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "system", security(()),
    responses((status = 200, description = "The OpenAPI 3.1 document", body = serde_json::Value)))]
async fn openapi() -> Json<Document> {
    Json(document())
}
