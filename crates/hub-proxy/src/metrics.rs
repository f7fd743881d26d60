//! What the gateway counts. Label values come from closed sets only, so the number of series is bounded.

mod attempts;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use hub_circuit_breaker::Phase;
use hub_formats::convert::LossReport;
use hub_rate_limit::{Cause, Owner, Refusal};
use hub_session::Scope;
use hub_types::{Dialect, RequestRecord};

use self::attempts::Attempts;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    dialect: &'static str,
    endpoint: &'static str,
    outcome: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BindingLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    scope: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
    scope: &'static str,
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakerLabels {
    to: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConversionLabels {
    from: &'static str,
    to: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LossLabels {
    /// Without its detail, which may come from a client.
    code: String,
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabels {
    kind: &'static str,
}

/// What a session's binding meant for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BindingResult {
    /// It led to the provider that was asked first.
    Followed,
    /// There was none.
    None,
    /// Its provider can't serve the session now.
    PassedOver,
    /// A better provider was there again.
    Returned,
    /// Its provider does not serve the session any more.
    Dropped,
}

impl BindingResult {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Followed => "followed",
            Self::None => "none",
            Self::PassedOver => "passed_over",
            Self::Returned => "returned",
            Self::Dropped => "dropped",
        }
    }
}

/// The gateway's metrics; registered once, in the registry of whoever runs it.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) in_flight: Gauge,
    requests: Family<RequestLabels, Counter>,
    seconds: Histogram,
    first_byte_seconds: Histogram,
    tokens: Family<TokenLabels, Counter>,
    nano_usd: Counter,
    unpriced: Counter,
    session_bindings: Family<BindingLabels, Counter>,
    session_refusals: Family<RefusalLabels, Counter>,
    limit_refusals: Family<LimitLabels, Counter>,
    unlimited: Counter,
    breakers: Family<BreakerLabels, Counter>,
    conversions: Family<ConversionLabels, Counter>,
    losses: Family<LossLabels, Counter>,
    probes: Family<BindingLabels, Counter>,
    alerts: Family<AlertLabels, Counter>,
    pub(crate) attempts: Attempts,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets = [0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
        Self {
            in_flight: Gauge::default(),
            requests: Family::default(),
            seconds: Histogram::new(buckets),
            first_byte_seconds: Histogram::new(buckets),
            tokens: Family::default(),
            nano_usd: Counter::default(),
            unpriced: Counter::default(),
            session_bindings: Family::default(),
            session_refusals: Family::default(),
            limit_refusals: Family::default(),
            unlimited: Counter::default(),
            breakers: Family::default(),
            conversions: Family::default(),
            losses: Family::default(),
            probes: Family::default(),
            alerts: Family::default(),
            attempts: Attempts::default(),
        }
    }
}

impl Metrics {
    /// Adds the gateway's metrics to a registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("hub_requests_in_flight", "Requests being answered", self.in_flight.clone());
        registry.register("hub_requests", "Requests by how they ended", self.requests.clone());
        registry.register(
            "hub_request_seconds",
            "From a request's head to its last byte",
            self.seconds.clone(),
        );
        registry.register(
            "hub_first_byte_seconds",
            "From a request's head to the first byte of a provider's answer",
            self.first_byte_seconds.clone(),
        );
        registry.register("hub_tokens", "Tokens by kind", self.tokens.clone());
        registry.register(
            "hub_cost_nano_usd",
            "Cost in nano-dollars, as far as prices are known",
            self.nano_usd.clone(),
        );
        registry.register(
            "hub_unpriced_requests",
            "Billable requests without a known price",
            self.unpriced.clone(),
        );
        registry.register(
            "hub_session_bindings",
            "Requests by what their session's binding meant for the first provider asked",
            self.session_bindings.clone(),
        );
        registry.register(
            "hub_session_refusals",
            "Limits on concurrent sessions met: requests refused by those of keys and users, providers passed over",
            self.session_refusals.clone(),
        );
        registry.register(
            "hub_limit_refusals",
            "Requests refused by limits of keys and users on requests, money and tokens",
            self.limit_refusals.clone(),
        );
        registry.register(
            "hub_breaker_transitions",
            "Changes of providers' circuit breakers by their new position",
            self.breakers.clone(),
        );
        registry.register(
            "hub_conversions",
            "Requests said in the dialect of another vendor's provider, or not to be said in it",
            self.conversions.clone(),
        );
        registry.register(
            "hub_conversion_losses",
            "What requests lost on their way into another dialect",
            self.losses.clone(),
        );
        registry.register(
            "hub_breaker_probes",
            "Providers left alone that were asked whether they are back, by the answer",
            self.probes.clone(),
        );
        self.attempts.register(registry);
        registry.register("hub_alerts", "Alerts that this instance was to send", self.alerts.clone());
        registry.register(
            "hub_limit_unchecked",
            "Requests that passed without their limits, because these could not be known",
            self.unlimited.clone(),
        );
    }

    /// A request's first provider is chosen, or there is none.
    pub(crate) fn consulted(&self, result: BindingResult) {
        self.session_bindings.get_or_create(&BindingLabels { result: result.as_str() }).inc();
    }

    /// A key or a user has as many sessions as it may.
    pub(crate) fn session_refused(&self, scope: Scope) {
        let scope = match scope {
            Scope::Key => "key",
            Scope::User => "user",
        };
        self.session_refusals.get_or_create(&RefusalLabels { scope }).inc();
    }

    /// A provider has as many sessions as it may.
    pub(crate) fn provider_full(&self) {
        self.session_refusals.get_or_create(&RefusalLabels { scope: "provider" }).inc();
    }

    /// A provider's breaker changed its position.
    pub fn breaker_moved(&self, to: Phase) {
        self.breakers.get_or_create(&BreakerLabels { to: to.as_str() }).inc();
    }

    /// A request goes to a provider of another dialect, with these losses, or can't (`None`).
    pub(crate) fn converted(&self, from: Dialect, to: Dialect, losses: Option<&LossReport>) {
        let result = if losses.is_some() { "sent" } else { "refused" };
        let labels = ConversionLabels { from: from.as_str(), to: to.as_str(), result };
        self.conversions.get_or_create(&labels).inc();
        for loss in losses.into_iter().flat_map(LossReport::iter) {
            let labels = LossLabels { code: loss.word().to_owned(), class: loss.class.as_str() };
            self.losses.get_or_create(&labels).inc();
        }
    }

    /// A provider that was left alone was asked whether it is back.
    pub fn probed(&self, is_well: bool) {
        let result = if is_well { "well" } else { "unwell" };
        self.probes.get_or_create(&BindingLabels { result }).inc();
    }

    /// An alert was due, and this instance was the one to send it. `kind` is of a closed set.
    pub fn alerted(&self, kind: &'static str) {
        self.alerts.get_or_create(&AlertLabels { kind }).inc();
    }

    /// A limit of a key or a user is reached.
    pub(crate) fn limited(&self, refusal: &Refusal) {
        let scope = match refusal.owner {
            Owner::Key(..) => "key",
            Owner::User(_) => "user",
            Owner::Provider(_) => "provider",
        };
        let cause = match refusal.cause {
            Cause::Spent => "spent",
            Cause::Reserved => "reserved",
            Cause::TooLarge => "too_large",
        };
        let limit = refusal.limit_type.as_str();
        self.limit_refusals.get_or_create(&LimitLabels { limit, scope, cause }).inc();
    }

    /// Limits could not be asked.
    pub(crate) fn unlimited(&self) {
        self.unlimited.inc();
    }

    pub(crate) fn settled(&self, record: &RequestRecord) {
        let status = match record.status {
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        self.requests
            .get_or_create(&RequestLabels {
                dialect: record.dialect.as_str(),
                endpoint: record.endpoint.as_str(),
                outcome: record.outcome.as_str(),
                status,
            })
            .inc();
        self.seconds.observe(record.timings.total_us as f64 / 1e6);
        if let Some(first_byte) = record.timings.first_byte_us {
            self.first_byte_seconds.observe(first_byte as f64 / 1e6);
        }
        for attempt in &record.attempts {
            self.attempts.ended(attempt);
            let Some(usage) = attempt.usage else { continue };
            for (kind, count) in [
                ("input", usage.input),
                ("output", usage.output),
                ("cache_read", usage.cache_read),
                ("cache_write_5m", usage.cache_write_5m),
                ("cache_write_1h", usage.cache_write_1h),
            ] {
                if count > 0 {
                    self.tokens.get_or_create(&TokenLabels { kind }).inc_by(count);
                }
            }
            match attempt.cost {
                Some(cost) => {
                    self.nano_usd.inc_by(u64::try_from(cost.nanos()).unwrap_or(0));
                }
                None => {
                    self.unpriced.inc();
                }
            }
        }
    }
}
