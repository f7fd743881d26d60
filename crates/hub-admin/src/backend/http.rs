//! One HTTP call to a running hub.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hub_management::FieldError;
use hub_types::Secret;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::tls;

/// An answer takes at most this long.
const DEADLINE: Duration = Duration::from_secs(30);
/// And is at most this large.
const MOST_BYTES: usize = 32 << 20;

/// A running hub and the credential for it.
pub(super) struct Caller {
    base: String,
    authorization: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// The part of a problem document that people are told.
#[derive(Deserialize)]
struct Problem {
    detail: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    errors: Vec<FieldError>,
}

impl Caller {
    pub(super) fn new(server: &str, token: &Secret) -> Result<Self> {
        let base = server.trim_end_matches('/').trim_end_matches("/api/v1").to_owned();
        let uri: Uri = base.parse().map_err(|error| Failure::usage(format!("--server: {error}")))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(Failure::usage("--server: write http://HOST:PORT or https://HOST"));
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| Failure::usage("ADMIN_TOKEN: holds characters that can't be sent"))?;
        authorization.set_sensitive(true);
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls::config()?);
        let client = Client::builder(TokioExecutor::new()).build(tls.https_or_http().enable_http1().build());
        Ok(Self { base, authorization, client })
    }

    /// Calls `path` under `/api/v1`; the answer is JSON, or null where there is none.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        self.call_within(DEADLINE, method, path, body).await
    }

    /// Calls with a deadline of its own.
    pub(super) async fn call_within(
        &self,
        deadline: Duration,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let uri = format!("{}/api/v1{path}", self.base);
        let mut request =
            Request::builder().method(method).uri(&uri).header(AUTHORIZATION, self.authorization.clone());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(Full::new(bytes)).map_err(Failure::failed)?;
        let answer = tokio::time::timeout(deadline, self.exchange(request)).await;
        let (status, bytes) = answer.map_err(|_| {
            Failure::failed(format!("{}: no answer within {} s", self.base, deadline.as_secs()))
        })??;
        if status.is_success() {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&bytes)
                .map_err(|error| Failure::failed(format!("{}: not a hub's answer: {error}", self.base)));
        }
        Err(refusal(&self.base, status, &bytes))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        let unreachable = |error: &dyn std::error::Error| {
            let cause = std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error);
            Failure::failed(format!("{}: {cause}", self.base))
        };
        let response = self.client.request(request).await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        Ok((status, body.map_err(|error| unreachable(&*error))?.to_bytes()))
    }
}

fn refusal(base: &str, status: StatusCode, bytes: &[u8]) -> Failure {
    let exit_code = if status == StatusCode::UNPROCESSABLE_ENTITY { 2 } else { 1 };
    match serde_json::from_slice::<Problem>(bytes) {
        Ok(problem) if exit_code == 2 && !problem.errors.is_empty() => {
            Failure { message: "the input can't be taken".to_owned(), fields: problem.errors, exit_code }
        }
        Ok(problem) if problem.code == "partly_cleared" => Failure::partly(problem.detail),
        Ok(problem) => Failure { message: problem.detail, fields: problem.errors, exit_code },
        Err(_) => Failure::failed(format!("{base}: answered {status}")),
    }
}
