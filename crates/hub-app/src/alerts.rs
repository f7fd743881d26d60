//! Alerts on their way from the gateway to people: a bounded queue, one task behind it, at most one alert of a kind
//! about a provider in five minutes, and exactly one instance that sends it.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;

use hub_circuit_breaker::{ALERT_PERIOD, AlertThrottle, Occasion};
use hub_proxy::{Alert, AlertKind, AlertSink, Metrics};
use hub_types::{AlertEvent, Clock};

use crate::alert_text::Message;
use crate::webhooks::Webhooks;

/// More alerts do not wait: the first ones tell enough.
const MOST_WAITING: usize = 256;

/// The end of the queue where the gateway puts alerts.
pub(crate) struct AlertQueue(Sender<Alert>);

impl AlertSink for AlertQueue {
    fn raise(&self, alert: Alert) {
        if self.0.try_send(alert).is_err() {
            tracing::debug!("an alert is not passed on, because too many wait");
        }
    }
}

/// A queue and its other end.
pub(crate) fn queue() -> (AlertQueue, Receiver<Alert>) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    (AlertQueue(sender), receiver)
}

/// Passes alerts on.
pub(crate) struct AlertDesk {
    pub(crate) throttle: Arc<AlertThrottle>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) webhooks: Arc<Webhooks>,
}

impl AlertDesk {
    /// Runs until `stop`, or until nobody can raise alerts any more.
    pub(crate) async fn run(self, mut alerts: Receiver<Alert>, stop: CancellationToken) {
        loop {
            let alert = tokio::select! {
                () = stop.cancelled() => return,
                alert = alerts.recv() => alert,
            };
            let Some(alert) = alert else { return };
            if self.is_due(&alert).await {
                self.metrics.alerted(word(&alert.kind));
                log(&alert);
                let message = Message::of(&alert, self.clock.now());
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.webhooks.send(&message) => {}
                }
            }
        }
    }

    async fn is_due(&self, alert: &Alert) -> bool {
        let occasion = match alert.kind {
            AlertKind::BreakerOpened { .. } => Occasion::Opened,
            AlertKind::CredentialFailing { .. } => Occasion::Credential,
        };
        self.throttle.claim(occasion, alert.provider, ALERT_PERIOD, self.clock.now()).await
    }
}

/// The stable word of a kind.
const fn word(kind: &AlertKind) -> &'static str {
    match kind {
        AlertKind::BreakerOpened { .. } => AlertEvent::BreakerOpened.as_str(),
        AlertKind::CredentialFailing { .. } => AlertEvent::CredentialFailing.as_str(),
    }
}

fn log(Alert { provider, name, kind }: &Alert) {
    match kind {
        AlertKind::BreakerOpened { failures, reopens_at } => {
            let reopens_at = reopens_at.map(|at| at.to_string());
            tracing::warn!(target: "CircuitBreaker", %provider, name, failures, reopens_at,
                "Alert: the circuit breaker of a provider opened");
        }
        AlertKind::CredentialFailing { message } => {
            tracing::warn!(target: "CircuitBreaker", %provider, name, message,
                "Alert: a provider refuses the hub's account");
        }
    }
}
