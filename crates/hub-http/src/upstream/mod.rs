//! The upstream client: pooled HTTP/1.1 connections that are driven by the very task that uses them.
//!
//! A pooled connection is not a task of its own: while a request runs, the request's future (and then its
//! body) polls the connection. That saves a hand-over between threads in each direction, makes back-pressure
//! exact (nobody reads ahead), and cancelling is dropping.

mod body;
mod connect;
mod error;
mod live;
mod pool;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::response::Parts;
use std::sync::Arc;

pub use body::UpstreamBody;
pub use connect::{AddressRule, ConnectError, Origin};
pub use error::UpstreamError;
pub use tls::tls_client_config;

use connect::Connector;
use live::Live;
use pool::Pool;

/// Bounds and rules of the client.
#[derive(Clone)]
pub struct UpstreamSettings {
    /// DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept; below what servers keep it (usually 60 s or more).
    pub idle_timeout: Duration,
    /// Idle connections kept to one origin.
    pub max_idle_per_origin: usize,
    /// For https origins.
    pub tls: Arc<rustls::ClientConfig>,
    /// Decides on each resolved address whether it may be connected to.
    pub address_rule: AddressRule,
}

impl UpstreamSettings {
    /// Ten seconds to connect, every address.
    pub fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(50),
            max_idle_per_origin: 256,
            tls,
            address_rule: Arc::new(|_| true),
        }
    }
}

/// See the module's documentation. Clones share the pools.
#[derive(Clone)]
pub struct UpstreamClient {
    connector: Connector,
    pool: Arc<Pool>,
}

/// The head of an answer and the body to come.
pub struct UpstreamResponse {
    /// Status and headers.
    pub head: Parts,
    /// What follows.
    pub body: UpstreamBody,
    /// Did the request go out on a connection that had served before?
    pub reused: bool,
}

impl UpstreamClient {
    /// A client with empty pools.
    pub fn new(settings: UpstreamSettings) -> Self {
        Self {
            pool: Arc::new(Pool::new(settings.max_idle_per_origin, settings.idle_timeout)),
            connector: Connector::new(settings),
        }
    }

    /// Sends a request and waits for the head of its answer. The URI must be in origin form and the `host`
    /// header set. A connection from the pool that turns out to be dead before any byte of an answer came is
    /// replaced by a fresh one, once.
    pub async fn send(
        &self,
        origin: &Origin,
        request: Request<Bytes>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        if let Some(live) = self.pool.take(origin) {
            // Only the body is shared by the two requests; heads are small.
            let spare = request.clone();
            match self.exchange(origin, live, request, true).await {
                Err(error) if error.is_stale_connection() => self.send_fresh(origin, spare).await,
                answered => answered,
            }
        } else {
            self.send_fresh(origin, request).await
        }
    }

    /// Closes idle connections that are past their time.
    pub fn sweep(&self) {
        self.pool.sweep();
    }

    /// Idle connections to all origins.
    pub fn idle_connections(&self) -> usize {
        self.pool.idle()
    }

    async fn send_fresh(
        &self,
        origin: &Origin,
        request: Request<Bytes>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let live = self.connector.connect(origin).await?;
        self.exchange(origin, live, request, false).await
    }

    async fn exchange(
        &self,
        origin: &Origin,
        mut live: Live,
        request: Request<Bytes>,
        reused: bool,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let response = live.send(request).await?;
        let (head, incoming) = response.into_parts();
        let body = UpstreamBody::new(incoming, live, origin.clone(), Arc::clone(&self.pool));
        Ok(UpstreamResponse { head, body, reused })
    }
}
