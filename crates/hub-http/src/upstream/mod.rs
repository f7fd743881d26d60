//! The upstream client: pooled connections, direct or through proxies.
//!
//! A pooled connection of HTTP/1.1 is not a task of its own: while a request runs, the request's future (and
//! then its body) polls the connection. That saves a hand-over between threads in each direction, makes
//! back-pressure exact (nobody reads ahead), and cancelling is dropping. HTTP/2, where the upstream speaks it,
//! shares one connection among many requests, which takes a task; see `h2`.

mod body;
mod connect;
mod dial;
mod error;
mod h2;
mod live;
mod pool;
mod proxy;
mod route;
mod sent;
mod stream;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::response::Parts;
use std::sync::Arc;

pub use body::UpstreamBody;
pub use dial::{AddressRule, Resolve, Resolving};
pub use error::{ConnectError, ProxyFailure, UpstreamError};
pub use route::{Origin, Route};
pub use sent::Sent;
pub use tls::tls_client_config;

use crate::Tasks;
use connect::{Connected, Connector, Patience};
use h2::{Line, NoAnswer};
use pool::{Pool, Ready};
use route::Way;

/// Bounds and rules of the client.
#[derive(Clone)]
pub struct UpstreamSettings {
    /// DNS, TCP, proxy and TLS together.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept; below what servers keep it (usually 60 s or more).
    pub idle_timeout: Duration,
    /// Idle connections kept to one origin by one way.
    pub max_idle_per_origin: usize,
    /// For https origins and proxies. What is spoken within TLS is negotiated whatever this says.
    pub tls: Arc<rustls::ClientConfig>,
    /// Decides on each resolved address of an origin whether it may be connected to. Where a proxy resolves
    /// (all but `socks5://`), names are the proxy's decision, and only addresses in the URL are asked for.
    pub address_rule: AddressRule,
    /// The same for the addresses of proxies.
    pub proxy_address_rule: AddressRule,
    /// Finds the addresses of names.
    pub resolve: Resolve,
    /// Speak HTTP/2 with https origins that offer it?
    pub http2: bool,
    /// How long after the last one a ping asks whether an HTTP/2 connection still stands, while it is used. One
    /// that does not answer within a fifth of this gets no new requests, one that does not within all of it is
    /// closed.
    pub http2_ping_after: Duration,
    /// Where the tasks of HTTP/2 connections run. Asked to end, they wait for the exchanges on them.
    pub tasks: Tasks,
}

impl UpstreamSettings {
    /// Ten seconds to connect, every address, the system's resolver.
    pub fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(50),
            max_idle_per_origin: 256,
            tls,
            address_rule: Arc::new(|_| true),
            proxy_address_rule: Arc::new(|_| true),
            resolve: dial::system_resolver(),
            http2: true,
            http2_ping_after: Duration::from_secs(15),
            tasks: Tasks::new(),
        }
    }
}

/// See the module's documentation. Clones share the pools.
#[derive(Clone)]
pub struct UpstreamClient(Arc<Shared>);

struct Shared {
    connector: Connector,
    connect_timeout: Duration,
    http2: bool,
    http2_ping_after: Duration,
    tasks: Tasks,
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
        Self(Arc::new(Shared {
            pool: Arc::new(Pool::new(settings.max_idle_per_origin, settings.idle_timeout)),
            connect_timeout: settings.connect_timeout,
            http2: settings.http2,
            http2_ping_after: settings.http2_ping_after,
            tasks: settings.tasks.clone(),
            connector: Connector::new(settings),
        }))
    }

    /// Sends a request and waits for the head of its answer. The URI must be in origin form and the `host`
    /// header set. A connection from the pool that turns out to be dead before any byte of an answer came is
    /// replaced by a fresh one, once; what an HTTP/2 upstream says it has not looked at is sent again, at most
    /// twice. Nothing else is. A [`Sent`] among its extensions is told when it goes out.
    pub async fn send(
        &self,
        route: impl Into<Route>,
        request: Request<Bytes>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let route = route.into();
        let Some(ready) = self.0.pool.take(&route.way) else {
            return Box::pin(self.0.send_fresh(route, request)).await;
        };
        // Only the body is shared by the two requests; heads are small.
        let spare = request.clone();
        match self.0.exchange(&route.way, ready, request).await {
            Err(NoAnswer { again: true, .. }) => Box::pin(self.0.send_fresh(route, spare)).await,
            answered => answered.map_err(|failed| failed.error),
        }
    }

    /// Closes idle connections that are past their time.
    pub fn sweep(&self) {
        self.0.pool.sweep();
    }

    /// Idle connections to all origins.
    pub fn idle_connections(&self) -> usize {
        self.0.pool.idle()
    }
}

impl Shared {
    async fn send_fresh(
        &self,
        route: Route,
        request: Request<Bytes>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let way_round = route.way_round();
        let patience = Patience::start(self.connect_timeout, way_round.is_some());
        let (way, ready) = match (self.ready(&route.way, patience).await, way_round) {
            (Err(error), Some(direct)) if error.is_proxy() => {
                tracing::warn!(origin = %direct.origin, %error, "going round the proxy");
                let ready = match self.pool.take(&direct) {
                    Some(kept) => kept,
                    None => self.ready(&direct, patience).await?,
                };
                (direct, ready)
            }
            (ready, _) => (route.way, ready?),
        };
        let spare = (!matches!(ready, Ready::Own(_, false))).then(|| request.clone());
        match (self.exchange(&way, ready, request).await, spare) {
            (Err(NoAnswer { again: true, .. }), Some(spare)) => {
                let ready = self.ready(&way, Patience::start(self.connect_timeout, false)).await?;
                self.exchange(&way, ready, spare).await.map_err(|failed| failed.error)
            }
            (answered, _) => answered.map_err(|failed| failed.error),
        }
    }

    /// A connection that has just been made, or one for many that somebody else has just made.
    async fn ready(&self, way: &Way, patience: Patience) -> Result<Ready, ConnectError> {
        let may_share = self.http2 && way.origin.is_https();
        let mut turn = None;
        if let Some(gate) = may_share.then(|| self.pool.gate(way)).flatten() {
            let waiting = tokio::time::timeout_at(patience.end(), gate.lock_owned());
            let mine = waiting.await.map_err(|_| patience.is_over())?;
            if let Some(kept) = self.pool.take(way) {
                return Ok(kept);
            }
            // If those before learned that connections are not shared here, nobody needs to wait any longer.
            turn = self.pool.gate(way).map(|_| mine);
        }
        match self.connector.connect(way, patience).await? {
            Connected::One(live) => {
                if may_share {
                    self.pool.note_speaks_one(way);
                }
                Ok(Ready::Own(live, false))
            }
            Connected::Many(fresh) => {
                let (line, slot) = Line::open(fresh, turn, self.http2_ping_after, &self.tasks);
                self.pool.share(way, line);
                Ok(Ready::Shared(slot))
            }
        }
    }

    async fn exchange(
        &self,
        way: &Way,
        ready: Ready,
        request: Request<Bytes>,
    ) -> Result<UpstreamResponse, NoAnswer> {
        if let Some(sent) = request.extensions().get::<Sent>() {
            sent.mark();
        }
        match ready {
            Ready::Own(mut live, is_kept) => {
                let response = live
                    .send(request)
                    .await
                    .map_err(|error| NoAnswer { again: is_kept && error.is_stale_connection(), error })?;
                let (head, incoming) = response.into_parts();
                let body = UpstreamBody::own(incoming, live, way.clone(), Arc::clone(&self.pool));
                Ok(UpstreamResponse { head, body, reused: is_kept })
            }
            Ready::Shared(slot) => {
                let reused = slot.reused;
                let (head, download) = Box::pin(slot.send(&way.origin, request)).await?;
                Ok(UpstreamResponse { head, body: UpstreamBody::shared(download), reused })
            }
        }
    }
}
