//! At most one alert in a while.

use std::time::Duration;

use hub_circuit_breaker::{AlertThrottle, Occasion};
use hub_types::ProviderId;

use crate::contract::{P, at};

#[tokio::test]
async fn one_alert_in_five_minutes_for_each_provider() {
    let throttle = AlertThrottle::new();
    assert!(throttle.is_due(P, at(0)).await);
    assert!(!throttle.is_due(P, at(1)).await);
    assert!(throttle.is_due(ProviderId(9), at(1)).await);
    assert!(!throttle.is_due(P, at(299)).await);
    assert!(throttle.is_due(P, at(300)).await);
    assert!(!throttle.is_due(P, at(599)).await);
}

#[tokio::test]
async fn occasions_do_not_silence_each_other_and_have_periods_of_their_own() {
    let throttle = AlertThrottle::new();
    assert!(throttle.is_due(P, at(0)).await);
    for (occasion, period) in [(Occasion::Credential, 300), (Occasion::Probe, 10)] {
        let period = Duration::from_secs(period);
        assert!(throttle.claim(occasion, P, period, at(1)).await);
        assert!(!throttle.claim(occasion, P, period, at(10)).await);
    }
    assert!(throttle.claim(Occasion::Probe, P, Duration::from_secs(10), at(11)).await);
    assert!(!throttle.claim(Occasion::Credential, P, Duration::from_secs(300), at(11)).await);
}

#[tokio::test]
async fn a_clock_that_was_set_back_silences_nobody() {
    let throttle = AlertThrottle::new();
    assert!(throttle.is_due(P, at(3600)).await);
    assert!(throttle.is_due(P, at(0)).await);
}
