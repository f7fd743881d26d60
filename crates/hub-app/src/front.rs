//! Who answers what: health, metrics, the management API, the session pool's, and for everything else the gateway.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use ipnet::IpNet;
use prometheus_client::registry::Registry;
use tower::ServiceExt;

use hub_api::ClientAddress;
use hub_http::{Body, Return, Service, discard_body, lend};
use hub_proxy::Gateway;
use hub_types::Secret;

use crate::directory::RepositoryDirectory;
use crate::health::Health;
use crate::metrics;

/// The service behind the hub's one listener.
pub(crate) struct Front {
    pub(crate) gateway: Gateway,
    pub(crate) api: Router,
    pub(crate) pool: Router,
    pub(crate) directory: Arc<RepositoryDirectory>,
    pub(crate) health: Arc<Health>,
    pub(crate) registry: Option<Registry>,
    pub(crate) admin_token: Secret,
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Service for Front {
    async fn call(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let path = request.uri().path();
        // The gateway's paths come first: they are asked for a thousand times as often as the others.
        if self.gateway.serves(path) {
            return self.gateway.handle(request, peer).await;
        }
        match (request.method(), path) {
            (&Method::HEAD, "/" | "/api/hello") => Response::new(Body::empty()),
            (&Method::GET | &Method::HEAD, "/health/live") => Health::live(),
            (&Method::GET | &Method::HEAD, "/health/ready") => self.health.ready(),
            (&Method::GET, "/metrics") => self.metrics(request.headers(), peer.ip()),
            (_, path) if path == "/api/v1" || path.starts_with("/api/v1/") => {
                self.manage(&self.api, request, peer.ip()).await
            }
            (_, path) if path.starts_with("/admin/") => self.manage(&self.pool, request, peer.ip()).await,
            _ => self.gateway.handle(request, peer).await,
        }
    }
}

impl Front {
    fn client(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        hub_proxy::client_address(peer, headers, &self.trusted_proxies)
    }

    /// For peers on this machine, and for whoever knows the admin token.
    fn metrics(&self, headers: &HeaderMap, peer: IpAddr) -> Response<Body> {
        let Some(registry) = &self.registry else { return status(StatusCode::NOT_FOUND) };
        let bearer = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let is_admin = token.is_some_and(|token| self.admin_token.matches(token));
        if is_admin || self.client(headers, peer).is_loopback() {
            metrics::page(registry)
        } else {
            status(StatusCode::FORBIDDEN)
        }
    }

    async fn manage(&self, router: &Router, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let address = self.client(request.headers(), peer);
        let may_edit = !matches!(*request.method(), Method::GET | Method::HEAD);
        // Whoever asks before they send waits for a word, and gets the answer for it.
        let is_coming = !request.headers().contains_key(EXPECT);
        let (head, body) = request.into_parts();
        let (lent, returned) = lend(body);
        let mut request = Request::from_parts(head, axum::body::Body::new(lent));
        request.extensions_mut().insert(ClientAddress(address));
        let response = match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if may_edit && response.status().is_success() {
            self.directory.catch_up().await;
        }
        let mut response = response.map(|body| Body::stream(body.map_err(io::Error::other)));
        if !is_through(returned, is_coming).await {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Is nothing of the request left on the connection, so that it can carry another one?
async fn is_through(body: Return<Incoming>, is_coming: bool) -> bool {
    let Some(mut body) = body.take() else { return false };
    hyper::body::Body::is_end_stream(&body) || (is_coming && discard_body(&mut body).await)
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
