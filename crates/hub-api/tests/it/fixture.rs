//! A REST interface over a fresh database, a clock that stands still, and calls without a socket.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use hub_api::{ApiState, ClientAddress, router};
use hub_management::{Management, Settings};
use hub_repository::{Repository, Sealer, SqliteRepository, SqliteSettings};
use hub_types::{Clock, Secret};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

/// The admin credential of every test.
pub(crate) const ADMIN: &str = "admin-token-of-the-tests";

/// A clock that moves only when told.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        let mut now = self.0.lock();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }
}

pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) repository: Arc<dyn Repository>,
    pub(crate) clock: Arc<TestClock>,
    _directory: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

/// A call under construction.
pub(crate) struct Call<'a> {
    api: &'a Api,
    request: axum::http::request::Builder,
    body: Body,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::start_with(|management| management).await
    }

    /// With more parts than the database.
    pub(crate) async fn start_with(complete: impl FnOnce(Management) -> Management) -> Self {
        let directory = TempDir::new().unwrap();
        let repository = open(&directory).await;
        let now = "2026-03-01T12:30:00Z".parse().unwrap();
        let clock = Arc::new(TestClock(Mutex::new(now)));
        let settings = Settings {
            admin_token: Some(Secret::new(ADMIN)),
            auth_session_ttl: SignedDuration::from_hours(24),
            allow_private_upstreams: true,
        };
        let management = complete(Management::new(repository.clone(), clock.clone(), settings));
        let state = ApiState { management: Arc::new(management), secure_cookies: true };
        Self { router: router(state), repository, clock, _directory: directory }
    }

    /// A call by nobody, from 192.0.2.1.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        let request =
            Request::builder().method(method).uri(format!("/api/v1{path}")).extension(ClientAddress(address));
        Call { api: self, request, body: Body::empty() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).bearer(ADMIN).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path).bearer(ADMIN).json(&body).send().await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path).bearer(ADMIN).json(&body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).bearer(ADMIN).send().await
    }

    /// Adds a user and a key of that user; gives their ids and the key.
    pub(crate) async fn user_with_key(&self, name: &str, key: Value) -> (i64, i64, String) {
        let user = self.post("/users", json!({"name": name})).await.created();
        let user_id = user["id"].as_i64().unwrap();
        let key = self.post(&format!("/users/{user_id}/keys"), key).await.created();
        (user_id, key["id"].as_i64().unwrap(), key["key"].as_str().unwrap().to_owned())
    }
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub(crate) fn cookie(self, token: &str) -> Self {
        self.header(COOKIE.as_str(), &format!("hub_session={token}"))
    }

    pub(crate) fn addressed_from(mut self, address: &str) -> Self {
        self.request = self.request.extension(ClientAddress(address.parse().unwrap()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.api.router.clone().oneshot(self.request.body(self.body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        let json = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status: parts.status, headers: parts.headers, json }
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn with(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        self.json
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        self.with(200)
    }

    #[track_caller]
    pub(crate) fn created(self) -> Value {
        self.with(201)
    }

    /// Checks that it is a problem document and gives the names of the fields at fault.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Vec<String> {
        assert_eq!(self.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["code"], code, "{}", self.json);
        assert_eq!(self.json["type"], "about:blank");
        assert!(self.json["title"].is_string() && self.json["detail"].is_string());
        let errors = self.json["errors"].as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    /// The session token in the cookie that was set.
    pub(crate) fn session_token(&self) -> String {
        let cookie = self.headers[SET_COOKIE].to_str().unwrap();
        cookie.strip_prefix("hub_session=").unwrap().split(';').next().unwrap().to_owned()
    }
}

/// A fresh SQLite database in a directory.
async fn open(directory: &TempDir) -> Arc<dyn Repository> {
    let settings = SqliteSettings::new(directory.path().join("hub.db"), Sealer::new([7; 32]));
    Arc::new(SqliteRepository::open(settings).await.unwrap())
}
