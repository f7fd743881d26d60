//! Is the process up, and does it take work?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{Response, StatusCode};
use serde_json::json;

use hub_http::Body;
use hub_redis::{RedisConnection, RedisHealth};
use hub_repository::journal::Journal;

/// What readiness depends on.
pub(crate) struct Health {
    pub(crate) journal: Arc<Journal>,
    pub(crate) redis: Option<Arc<RedisConnection>>,
    pub(crate) is_draining: AtomicBool,
}

impl Health {
    /// The process answers.
    pub(crate) fn live() -> Response<Body> {
        answer(StatusCode::OK, &json!({ "status": "ok" }))
    }

    /// Ready = not draining, and records are safe. A database that is away does not matter as long as the
    /// journal takes them; Redis away is a degradation, never unreadiness.
    pub(crate) fn ready(&self) -> Response<Body> {
        let journal = self.journal.status();
        let is_draining = self.is_draining.load(Ordering::Relaxed);
        let is_ready = !is_draining && !journal.degraded;
        let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let word = match (is_draining, is_ready) {
            (true, _) => "draining",
            (false, true) => "ready",
            (false, false) => "degraded",
        };
        answer(
            status,
            &json!({
                "status": word,
                "journal": if journal.is_healthy() { "ok" } else { "degraded" },
                "journal_entries": journal.depth_entries,
                "redis": self.redis_word(),
            }),
        )
    }

    pub(crate) fn redis_word(&self) -> &'static str {
        match self.redis.as_ref().map(|redis| redis.health()) {
            None => "not_used",
            Some(RedisHealth::Up) => "up",
            Some(RedisHealth::Degraded) => "degraded",
        }
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
