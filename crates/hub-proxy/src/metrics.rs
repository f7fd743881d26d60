//! What the gateway counts. Label values come from closed sets only, so the number of series is bounded.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use hub_types::RequestRecord;

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
