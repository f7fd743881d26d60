//! At most one alert in a while.

use hub_circuit_breaker::AlertThrottle;
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
async fn a_clock_that_was_set_back_silences_nobody() {
    let throttle = AlertThrottle::new();
    assert!(throttle.is_due(P, at(3600)).await);
    assert!(throttle.is_due(P, at(0)).await);
}
