//! The management REST interface and its OpenAPI document.
//!
//! Handlers are thin: they read a request, call a use case of hub-management and write its view as JSON. Every
//! error is a problem document (RFC 9457). The session pool's interface under `/admin` is older than these manners:
//! it has a router, an envelope and names of its own. What does not live here: rules about who may do what.

mod authenticated;
mod body;
mod cookie;
mod envelope;
mod openapi;
mod parameters;
mod problem;
mod router;
mod routes;

pub use openapi::document;
pub use problem::Problem;
pub use router::{ApiState, ClientAddress, pool_router, router};
