//! `/metrics`: the gateway's counters, and the state of journal, sessions and Redis, in Prometheus' text
//! format.

use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use hub_http::Body;
use hub_redis::RedisConnection;
use hub_repository::journal::Journal;
use hub_types::Clock;

use crate::sessions::Store;

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
        for (name, help, value) in [
            (
                "hub_journal_entries",
                "Ended requests that are not in the database yet",
                status.depth_entries as f64,
            ),
            ("hub_journal_bytes", "Bytes of the journal on disk", status.bytes as f64),
            ("hub_journal_oldest_seconds", "How long the oldest of them has been waiting", age),
            ("hub_journal_degraded", "1 = the journal can't be written", flag(status.degraded)),
        ] {
            gauge(&mut encoder, name, help, value)?;
        }
        for (name, help, value) in [
            ("hub_journal_drained", "Ended requests brought into the database", status.drained_total),
            ("hub_journal_dropped", "Records lost for want of disk and memory", status.dropped),
            ("hub_journal_dropped_details", "Requests whose details were given up", status.dropped_details),
            ("hub_journal_dropped_lines", "Ledger lines lost for want of disk", status.dropped_lines),
            ("hub_journal_corrupt", "Damaged entries found", status.corrupt),
        ] {
            counter(&mut encoder, name, help, value)?;
        }
        Ok(())
    }
}

/// Counts the sessions when asked.
struct SessionCollector(Store);

impl std::fmt::Debug for SessionCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionCollector")
    }
}

impl Collector for SessionCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Sessions that this process remembers: active ones, and those with a binding";
        gauge(&mut encoder, "hub_sessions", help, self.0.sessions() as f64)?;
        if let Some(lost) = self.0.lost_writes() {
            let help = "Writes about sessions that did not reach Redis";
            counter(&mut encoder, "hub_session_lost_writes", help, lost)?;
        }
        Ok(())
    }
}

/// Reads what the connection to Redis counts when asked.
struct RedisCollector(Arc<RedisConnection>);

impl std::fmt::Debug for RedisCollector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisCollector")
    }
}

impl Collector for RedisCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let figures = self.0.figures();
        for (name, help, value) in [
            ("hub_redis_batches", "Batches of commands that were to be sent to Redis", figures.batches),
            ("hub_redis_commands", "The commands in them", figures.commands),
            ("hub_redis_timeouts", "Batches that were not answered in time", figures.timeouts),
            ("hub_redis_skipped", "Batches not sent because Redis had been too slow before", figures.skipped),
        ] {
            counter(&mut encoder, name, help, value)?;
        }
        gauge(&mut encoder, "hub_redis_gate_open", "1 = Redis is being skipped", flag(figures.is_open))
    }
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: f64,
) -> Result<(), std::fmt::Error> {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), std::fmt::Error> {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
}

/// A registry with everything in it.
pub(crate) fn registry(
    gateway: &hub_proxy::Metrics,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    sessions: Store,
    redis: Option<Arc<RedisConnection>>,
) -> Registry {
    let mut registry = Registry::default();
    gateway.register(&mut registry);
    registry.register_collector(Box::new(JournalCollector { journal, clock }));
    registry.register_collector(Box::new(SessionCollector(sessions)));
    if let Some(redis) = redis {
        registry.register_collector(Box::new(RedisCollector(redis)));
    }
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
