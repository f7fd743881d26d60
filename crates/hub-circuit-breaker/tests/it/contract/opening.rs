//! Counting failures, and opening.

use hub_circuit_breaker::{BreakerConfig, BreakerHealth, BreakerState, Phase};

use super::{CONFIG, Desk, FAILURE, P, Q, SUCCESS, Subject, at, ms, transition};

pub(crate) async fn a_provider_that_nobody_heard_of_is_closed<S: Subject>() {
    let desk = Desk::<S>::new().await;
    assert_eq!(desk.health(0).await, BreakerHealth::Closed);
    assert_eq!(desk.state(0).await, BreakerState::default());
    assert_eq!(desk.record(SUCCESS, 0).await, None);
    assert_eq!(desk.state(0).await, BreakerState::default());
}

pub(crate) async fn as_many_failures_in_a_row_as_the_threshold_open<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for seconds in 0..2 {
        assert_eq!(desk.record(FAILURE, seconds).await, None);
        assert_eq!(desk.health(seconds).await, BreakerHealth::Closed);
    }
    assert_eq!(desk.record(FAILURE, 2).await, Some(transition(Phase::Closed, Phase::Open, 3, Some(12))));
    assert_eq!(desk.health(2).await, BreakerHealth::Open { reopens_at: ms(12) });
    assert_eq!(desk.health(11).await, BreakerHealth::Open { reopens_at: ms(12) });
    assert_eq!(desk.health(12).await, BreakerHealth::HalfOpen);
}

pub(crate) async fn a_success_sets_the_count_to_zero<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for seconds in 0..10 {
        assert_eq!(desk.record(FAILURE, seconds).await, None);
        assert_eq!(desk.record(FAILURE, seconds).await, None);
        assert_eq!(desk.state(seconds).await.failures, 2);
        assert_eq!(desk.record(SUCCESS, seconds).await, None);
        assert_eq!(desk.state(seconds).await.failures, 0);
    }
}

pub(crate) async fn a_failure_that_comes_late_does_not_prolong_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let open = desk.state(0).await;
    assert_eq!(desk.record(FAILURE, 9).await, None);
    assert_eq!(desk.record(SUCCESS, 9).await, None);
    assert_eq!(desk.state(9).await, open);
    assert_eq!(desk.health(10).await, BreakerHealth::HalfOpen);
}

pub(crate) async fn providers_have_nothing_to_do_with_each_other<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.record(FAILURE, 0).await;
    desk.record(FAILURE, 0).await;
    assert_eq!(desk.store.record(Q, FAILURE, CONFIG, at(0)).await, None);
    assert_eq!(desk.store.record(Q, SUCCESS, CONFIG, at(0)).await, None);
    assert!(desk.record(FAILURE, 0).await.is_some());
    desk.store.refresh(&[P, Q], at(1)).await;
    assert_eq!(desk.store.health(Q, CONFIG, at(1)), BreakerHealth::Closed);
    assert!(!desk.store.health(P, CONFIG, at(1)).admits());
}

pub(crate) async fn without_a_threshold_it_never_opens<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let off = BreakerConfig { failure_threshold: 0, ..CONFIG };
    for seconds in 0..20 {
        assert_eq!(desk.store.record(P, FAILURE, off, at(seconds)).await, None);
    }
    assert_eq!(desk.state(20).await, BreakerState::default());
}

pub(crate) async fn a_threshold_that_is_taken_away_closes<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let off = BreakerConfig { failure_threshold: 0, ..CONFIG };
    desk.store.refresh(&[P], at(1)).await;
    assert_eq!(desk.store.health(P, off, at(1)), BreakerHealth::Closed);
    let closed = desk.store.record(P, FAILURE, off, at(1)).await;
    assert_eq!(closed, Some(transition(Phase::Open, Phase::Closed, 3, None)));
    assert_eq!(desk.health(1).await, BreakerHealth::Closed);
}

pub(crate) async fn an_edited_duration_holds_at_once<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    desk.store.refresh(&[P], at(2)).await;
    let shorter = BreakerConfig { open_duration_ms: 2000, ..CONFIG };
    assert_eq!(desk.store.health(P, shorter, at(2)), BreakerHealth::HalfOpen);
    let longer = BreakerConfig { open_duration_ms: 3000, ..CONFIG };
    assert_eq!(desk.store.health(P, longer, at(2)), BreakerHealth::Open { reopens_at: ms(3) });
}
