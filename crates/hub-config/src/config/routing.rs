//! Limits, routing and probing.

use std::time::Duration;

use crate::reader::Reader;
use crate::variables as of;

/// Rates and budgets.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Whether any limit is checked.
    pub enabled: bool,
    /// What a request reserves.
    pub budget_mode: BudgetMode,
    /// When the reservation of a request that never ended is dropped.
    pub reservation_ttl: Duration,
}

/// What a request reserves of a budget before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetMode {
    /// Its likely cost.
    Balanced,
    /// The most it can cost: a limit is never exceeded.
    Strict,
}

/// How one of several equal providers is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickBy {
    /// By chance, in proportion to their weights.
    WeightedRandom,
    /// Whoever has rested longest.
    LeastRecentlyUsed,
}

/// Retries, failover, connecting.
#[derive(Debug, Clone)]
pub struct Routing {
    /// How often one provider is tried, unless it says otherwise.
    pub max_attempts: u32,
    /// How long after its arrival a request may still move on.
    pub failover_budget: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a client of a stream waits for a sign of life; zero = as long as it takes.
    pub stream_keep_alive: Duration,
    /// How one of several equal providers is picked.
    pub pick: PickBy,
    /// Whether network errors count against a provider's circuit breaker.
    pub breaker_on_network_errors: bool,
    /// The longest pause of a provider that asks for one; zero = none pauses.
    pub longest_pause: Duration,
    /// Whether providers may have private addresses.
    pub allow_private_upstreams: bool,
    /// Whether clients are told by name which providers did not come into question, and why.
    pub verbose_provider_error: bool,
}

/// Asking providers whether they are well.
#[derive(Debug, Clone)]
pub struct Probing {
    /// Whether providers with an open breaker are asked.
    pub enabled: bool,
    /// How often.
    pub interval: Duration,
    /// How long it may take.
    pub timeout: Duration,
    /// How long an administrator's test of a provider may take.
    pub api_test_timeout: Duration,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let enabled = reader.boolean(&of::ENABLE_RATE_LIMIT);
        let budget_mode = reader.value(&of::BUDGET_MODE, |text| match text {
            "balanced" => Some(BudgetMode::Balanced),
            "strict" => Some(BudgetMode::Strict),
            _ => None,
        });
        let reservation_ttl = reader.duration(&of::RESERVATION_TTL_MS);
        Some(Self { enabled: enabled?, budget_mode: budget_mode?, reservation_ttl: reservation_ttl? })
    }
}

impl Routing {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let max_attempts = reader.count(&of::MAX_RETRY_ATTEMPTS_DEFAULT);
        let failover_budget = reader.duration(&of::FAILOVER_BUDGET_MS);
        let connect_timeout = reader.duration(&of::FETCH_CONNECT_TIMEOUT);
        let stream_keep_alive = reader.duration(&of::STREAM_KEEP_ALIVE_MS);
        let pick = reader.value(&of::PROVIDER_PICK, |text| match text {
            "weighted_random" => Some(PickBy::WeightedRandom),
            "least_recently_used" => Some(PickBy::LeastRecentlyUsed),
            _ => None,
        });
        let breaker_on_network_errors = reader.boolean(&of::ENABLE_CIRCUIT_BREAKER_ON_NETWORK_ERRORS);
        let longest_pause = reader.duration(&of::MAX_PROVIDER_PAUSE_MS);
        let allow_private_upstreams = reader.boolean(&of::ALLOW_PRIVATE_UPSTREAMS);
        let verbose_provider_error = reader.boolean(&of::VERBOSE_PROVIDER_ERROR);
        Some(Self {
            max_attempts: max_attempts?,
            failover_budget: failover_budget?,
            connect_timeout: connect_timeout?,
            stream_keep_alive: stream_keep_alive?,
            pick: pick?,
            breaker_on_network_errors: breaker_on_network_errors?,
            longest_pause: longest_pause?,
            allow_private_upstreams: allow_private_upstreams?,
            verbose_provider_error: verbose_provider_error?,
        })
    }
}

impl Probing {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let enabled = reader.boolean(&of::ENABLE_SMART_PROBING);
        let interval = reader.duration(&of::PROBE_INTERVAL_MS);
        let timeout = reader.duration(&of::PROBE_TIMEOUT_MS);
        let api_test_timeout = reader.duration(&of::API_TEST_TIMEOUT_MS);
        Some(Self {
            enabled: enabled?,
            interval: interval?,
            timeout: timeout?,
            api_test_timeout: api_test_timeout?,
        })
    }
}
