//! The gateway as embedders see it: built from parts, it answers requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tokio_util::sync::CancellationToken;

use hub_circuit_breaker::{BreakerStore, CoolDowns, MemoryBreakerStore};
use hub_http::{Body, Tasks, UpstreamClient};
use hub_rate_limit::{Calendar, MemoryLimits, MemoryRateLimiter, RateLimiter};
use hub_session::{Limits, MemorySessionStore, SessionPool, Sessions};
use hub_types::{Clock, SystemClock};

use crate::alert::AlertSink;
use crate::expectation::{OutputQuantile, Previous};
use crate::models::KnownModels;
use crate::shared::{GatewayOptions, Shared};
use crate::throttle::Throttle;
use crate::transcript::Transcripts;
use crate::{Directory, Discard, LastUse, Metrics, RecordSink, pipeline};

/// Authenticates, chooses, forwards, streams back and accounts. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

/// Makes a [`Gateway`]. The directory and the upstream client are needed, the rest has defaults.
pub struct GatewayBuilder {
    directory: Arc<dyn Directory>,
    upstream: UpstreamClient,
    options: GatewayOptions,
    sink: Arc<dyn RecordSink>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    sessions: Option<Arc<Sessions>>,
    session_pool: Option<Arc<SessionPool>>,
    limiter: Option<Arc<dyn RateLimiter>>,
    breakers: Option<Arc<dyn BreakerStore>>,
    cool_downs: Arc<CoolDowns>,
    alerts: Arc<dyn AlertSink>,
    last_use: Arc<LastUse>,
}

impl GatewayBuilder {
    /// Sets bounds and rules.
    #[must_use]
    pub fn options(self, options: GatewayOptions) -> Self {
        Self { options, ..self }
    }

    /// Sets where records go; nowhere by default.
    #[must_use]
    pub fn sink(self, sink: Arc<dyn RecordSink>) -> Self {
        Self { sink, ..self }
    }

    /// Sets the clock; the machine's by default.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Sets metrics that are registered already.
    #[must_use]
    pub fn metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Sets where sessions are remembered; in this process by default.
    #[must_use]
    pub fn sessions(self, sessions: Arc<Sessions>) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    /// Sets the pool that lends sessions to clients without one; none by default.
    #[must_use]
    pub fn session_pool(self, pool: Arc<SessionPool>) -> Self {
        Self { session_pool: Some(pool), ..self }
    }

    /// Sets who counts requests, money and tokens; by default a counter in this process that starts at zero.
    #[must_use]
    pub fn rate_limiter(self, limiter: Arc<dyn RateLimiter>) -> Self {
        Self { limiter: Some(limiter), ..self }
    }

    /// Sets where the states of circuit breakers are kept; in this process by default.
    #[must_use]
    pub fn breakers(self, breakers: Arc<dyn BreakerStore>) -> Self {
        Self { breakers: Some(breakers), ..self }
    }

    /// Shares the pauses that providers ask for with whoever wants to see or end them.
    #[must_use]
    pub fn cool_downs(self, cool_downs: Arc<CoolDowns>) -> Self {
        Self { cool_downs, ..self }
    }

    /// Sets who is told what operators should hear of; nobody by default.
    #[must_use]
    pub fn alerts(self, alerts: Arc<dyn AlertSink>) -> Self {
        Self { alerts, ..self }
    }

    /// Shares when providers were last used with whoever tells other instances.
    #[must_use]
    pub fn last_use(self, last_use: Arc<LastUse>) -> Self {
        Self { last_use, ..self }
    }

    /// Puts the gateway together.
    pub fn build(self) -> Gateway {
        let limiter = self.limiter.unwrap_or_else(|| {
            let calendar = Arc::new(Calendar::new(self.options.time_zone.clone()));
            let bounds = MemoryLimits {
                reservation_ttl: self.options.reservation_ttl,
                has_ledger: false,
                ..MemoryLimits::default()
            };
            Arc::new(MemoryRateLimiter::new(bounds, calendar, self.clock.now()))
        });
        Gateway(Arc::new(Shared {
            limiter,
            breakers: self.breakers.unwrap_or_else(|| Arc::new(MemoryBreakerStore::new())),
            cool_downs: self.cool_downs,
            alerts: self.alerts,
            last_use: self.last_use,
            outputs: OutputQuantile::default(),
            previous: Previous::default(),
            directory: self.directory,
            sink: self.sink,
            clock: self.clock,
            upstream: self.upstream,
            sessions: self.sessions.unwrap_or_else(|| {
                let limits = Limits { ttl: self.options.session_ttl, ..Limits::default() };
                Arc::new(Sessions::new(Arc::new(MemorySessionStore::new(limits))))
            }),
            session_pool: self.session_pool,
            known_models: KnownModels::default(),
            transcripts: Transcripts::new(self.options.message_storage),
            throttle: Throttle::default(),
            metrics: self.metrics,
            tasks: Tasks::new(),
            cut_off: CancellationToken::new(),
            options: self.options,
        }))
    }
}

impl Gateway {
    /// Begins with the two parts that have no default.
    pub fn builder(directory: Arc<dyn Directory>, upstream: UpstreamClient) -> GatewayBuilder {
        GatewayBuilder {
            directory,
            upstream,
            options: GatewayOptions::default(),
            sink: Arc::new(Discard),
            clock: Arc::new(SystemClock),
            metrics: Metrics::default(),
            sessions: None,
            session_pool: None,
            limiter: None,
            breakers: None,
            cool_downs: Arc::new(CoolDowns::default()),
            alerts: Arc::new(Discard),
            last_use: Arc::default(),
        }
    }

    /// Answers one request. Every failure is an answer in the caller's dialect already.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Unpin + Send,
    {
        pipeline::run(&self.0, request, peer.ip()).await
    }

    /// Would this call be forwarded? Lets a server that has paths of its own decide who gets a request.
    pub fn serves(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        ["v1/", "v1beta/", "v1internal:", "api/v1/messages", "api/event_logging", "api/claude_code"]
            .into_iter()
            .any(|prefix| path.starts_with(prefix))
    }

    /// Waits for what goes on behind the answers (reading on after clients that left), at most `patience`,
    /// then ends it. Streams that still run end with an error in their dialect once `cut_off_streams` was
    /// called. Answers how many tasks were still running.
    pub async fn finish(&self, patience: Duration) -> usize {
        let end = Instant::now() + patience;
        let left = self.0.tasks.finish(patience).await;
        if left == 0 {
            return 0;
        }
        self.cut_off_streams();
        let grace = end.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        self.0.tasks.finish(grace).await
    }

    /// Ends every running stream with an error in its dialect.
    pub fn cut_off_streams(&self) {
        self.0.cut_off.cancel();
    }

    /// Closes upstream connections that have been idle for too long, forgets sessions that are over and
    /// reservations that have lapsed. To be called every few seconds.
    pub async fn sweep(&self) {
        self.0.upstream.sweep();
        let now = self.0.clock.now();
        self.0.sessions.store().sweep(now).await;
        self.0.limiter.sweep(now).await;
        self.0.breakers.sweep(now).await;
        self.0.cool_downs.sweep(now);
    }
}
