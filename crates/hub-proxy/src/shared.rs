//! What every request needs: the parts that a gateway was built from, and its bounds.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use hub_circuit_breaker::{BreakerStore, CoolDowns};
use hub_formats::conversation::ChainRules;
use hub_http::{BodyLimits, Tasks, UpstreamClient};
use hub_rate_limit::{BudgetMode, RESERVATION_TTL, RateLimiter};
use hub_session::{MessageStorage, SessionPool, Sessions};
use hub_types::{Clock, PickRule};

use crate::LastUse;
use crate::alert::AlertSink;
use crate::expectation::{OutputQuantile, Previous};
use crate::models::KnownModels;
use crate::throttle::Throttle;
use crate::transcript::Transcripts;
use crate::{Directory, Metrics, RecordSink};

/// Bounds and rules of a gateway.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Bounds on request bodies.
    pub body: BodyLimits,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Providers tried after the first one.
    pub max_failovers: u32,
    /// Everything before the first byte of an answer has to happen within this time.
    pub failover_budget: Duration,
    /// How long a client of a stream waits before the head of its answer goes out, and then for each sign of life,
    /// until there is content; zero = as long as it takes.
    pub keep_alive: Duration,
    /// Do connections that fail count against a provider's circuit breaker?
    pub breaker_on_network_errors: bool,
    /// Tell clients by name which providers did not come into question, and why, when none can serve a request.
    pub verbose_provider_error: bool,
    /// How one of several equal providers is picked.
    pub pick_rule: PickRule,
    /// Bill the model that was asked for, not the one it was redirected to.
    pub bill_requested_model: bool,
    /// How conversations are recognised whose client sends no session id.
    pub chain: ChainRules,
    /// How long a session stays with a provider that has no time of its own.
    pub session_ttl: Duration,
    /// What is kept of the bodies of a session's last exchange.
    pub message_storage: MessageStorage,
    /// The zone of providers' daily active times and of limits' windows.
    pub time_zone: TimeZone,
    /// How budgets are held; `None` = no limit of any kind is held.
    pub limits: Option<BudgetMode>,
    /// How long a reservation lasts by itself, as the limiter keeps them.
    pub reservation_ttl: Duration,
}

impl GatewayOptions {
    pub(crate) const fn holds_limits(&self) -> bool {
        self.limits.is_some()
    }
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            body: BodyLimits::default(),
            trusted_proxies: Vec::new(),
            max_failovers: 3,
            failover_budget: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
            breaker_on_network_errors: false,
            verbose_provider_error: false,
            pick_rule: PickRule::Rendezvous,
            bill_requested_model: true,
            chain: ChainRules { message_count: 3, include_system_prompt: false },
            session_ttl: Duration::from_secs(300),
            message_storage: MessageStorage::Off,
            time_zone: TimeZone::UTC,
            limits: Some(BudgetMode::Balanced),
            reservation_ttl: RESERVATION_TTL,
        }
    }
}

/// What every request needs.
pub(crate) struct Shared {
    pub(crate) options: GatewayOptions,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) sink: Arc<dyn RecordSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) upstream: UpstreamClient,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) session_pool: Option<Arc<SessionPool>>,
    pub(crate) limiter: Arc<dyn RateLimiter>,
    pub(crate) breakers: Arc<dyn BreakerStore>,
    pub(crate) cool_downs: Arc<CoolDowns>,
    pub(crate) alerts: Arc<dyn AlertSink>,
    pub(crate) last_use: Arc<LastUse>,
    /// How long the answers of each model are.
    pub(crate) outputs: OutputQuantile,
    /// What each session's last request used.
    pub(crate) previous: Previous,
    pub(crate) known_models: KnownModels,
    pub(crate) transcripts: Transcripts,
    pub(crate) throttle: Throttle,
    pub(crate) metrics: Metrics,
    pub(crate) tasks: Tasks,
    /// Cancelled when streams that still run have to end.
    pub(crate) cut_off: CancellationToken,
}
