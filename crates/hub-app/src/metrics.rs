//! `/metrics`: the gateway's counters and the journal's state, in Prometheus' text format.

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use hub_http::Body;
use hub_repository::journal::Journal;
use hub_types::Clock;

/// Reads the journal's state when asked.
struct JournalCollector {
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for JournalCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JournalCollector")
    }
}

impl Collector for JournalCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let status = self.journal.status();
        let age = status.oldest_age(self.clock.now()).map_or(0.0, |age| age.as_secs_f64());
        let mut gauge = |name: &str, help: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        gauge(
            "hub_journal_entries",
            "Ended requests that are not in the database yet",
            status.depth_entries as f64,
        )?;
        gauge("hub_journal_bytes", "Bytes of the journal on disk", status.bytes as f64)?;
        gauge("hub_journal_oldest_seconds", "How long the oldest of them has been waiting", age)?;
        gauge(
            "hub_journal_degraded",
            "1 = the journal can't be written",
            f64::from(u8::from(status.degraded)),
        )?;
        for (name, help, value) in [
            ("hub_journal_drained", "Ended requests brought into the database", status.drained_total),
            ("hub_journal_dropped", "Records lost for want of disk and memory", status.dropped),
            ("hub_journal_dropped_details", "Requests whose details were given up", status.dropped_details),
            ("hub_journal_dropped_lines", "Ledger lines lost for want of disk", status.dropped_lines),
            ("hub_journal_corrupt", "Damaged entries found", status.corrupt),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}

/// A registry with everything in it.
pub(crate) fn registry(
    gateway: &hub_proxy::Metrics,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
) -> Registry {
    let mut registry = Registry::default();
    gateway.register(&mut registry);
    registry.register_collector(Box::new(JournalCollector { journal, clock }));
    registry
}

/// The page.
pub(crate) fn page(registry: &Registry) -> Response<Body> {
    let mut text = String::new();
    let encoded = prometheus_client::encoding::text::encode(&mut text, registry);
    let mut response = Response::new(Body::from(text));
    if encoded.is_err() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    let format = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, format);
    response
}
