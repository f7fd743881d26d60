//! Smart probing: providers whose circuit breaker is open are asked in the background whether they are back. One
//! that answers well is half-open early, and the next request tries it; one that does not stays as it is.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use hub_circuit_breaker::{AlertThrottle, BreakerConfig, BreakerHealth, BreakerStore, Event, Occasion};
use hub_proxy::{Directory, Metrics, Prober};
use hub_types::{Clock, Provider};

/// Providers asked at once.
const AT_ONCE: usize = 8;

/// See the module's documentation.
pub(crate) struct Probing {
    pub(crate) prober: Prober,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) breakers: Arc<dyn BreakerStore>,
    /// Over all instances each provider is asked once in an interval.
    pub(crate) turns: Arc<AlertThrottle>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) interval: Duration,
    pub(crate) patience: Duration,
}

impl Probing {
    /// Asks every interval, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let round = async {
                tokio::time::sleep(self.interval).await;
                self.round().await;
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = round => {}
            }
        }
    }

    async fn round(&self) {
        let catalogue = self.directory.catalogue();
        let enabled: Vec<&Arc<Provider>> =
            catalogue.providers().filter(|provider| provider.is_enabled).collect();
        let asked: Vec<_> =
            enabled.iter().map(|provider| (provider.id, BreakerConfig::from(provider.as_ref()))).collect();
        let breakers = self.breakers.list(&asked, self.clock.now()).await;
        let open = enabled.into_iter().zip(breakers).filter_map(|(provider, breaker)| {
            matches!(breaker.health, BreakerHealth::Open { .. }).then_some(provider)
        });
        stream::iter(open).for_each_concurrent(AT_ONCE, |provider| self.probe(provider)).await;
    }

    async fn probe(&self, provider: &Arc<Provider>) {
        // A little less than an interval, so that the next round finds the turn over.
        let period = self.interval.mul_f64(0.9);
        if !self.turns.claim(Occasion::Probe, provider.id, period, self.clock.now()).await {
            return;
        }
        let Ok(report) = self.prober.ask(provider, None, self.patience).await else { return };
        self.metrics.probed(report.class.is_none());
        if let Some(class) = report.class {
            tracing::debug!(target: "CircuitBreaker", provider = %provider.id, name = provider.name, ?class,
                "The provider is not back yet");
            return;
        }
        let config = BreakerConfig::from(provider.as_ref());
        let now = self.clock.now();
        if let Some(transition) = self.breakers.record(provider.id, Event::ProbeSuccess, config, now).await {
            transition.log(&provider.name);
            self.metrics.breaker_moved(transition.to);
        }
    }
}
