//! Out of half-open, one way or the other; and by hand.

use hub_circuit_breaker::{BreakerHealth, Event, Permission, Phase};

use super::{CONFIG, Desk, FAILURE, P, SUCCESS, Subject, at, ms, transition};

pub(crate) async fn enough_successes_close<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let trial = desk.trial(10).await;
    assert_eq!(desk.record(Event::Success { trial: Some(trial) }, 11).await, None);
    assert_eq!(desk.health(11).await, BreakerHealth::HalfOpen);
    let trial = desk.trial(12).await;
    let closed = desk.record(Event::Success { trial: Some(trial) }, 13).await;
    assert_eq!(closed, Some(transition(Phase::HalfOpen, Phase::Closed, 3, None)));
    assert_eq!(desk.health(13).await, BreakerHealth::Closed);
    assert_eq!(desk.take(13).await.permission, Permission::Free);
}

pub(crate) async fn a_failure_in_half_open_opens_again<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let trial = desk.trial(10).await;
    desk.record(Event::Success { trial: Some(trial) }, 11).await;
    let trial = desk.trial(12).await;
    let opened = desk.record(Event::Failure { trial: Some(trial) }, 13).await;
    assert_eq!(opened, Some(transition(Phase::HalfOpen, Phase::Open, 4, Some(23))));
    assert_eq!(desk.health(22).await, BreakerHealth::Open { reopens_at: ms(23) });
    // The success before it does not count any more.
    let trial = desk.trial(23).await;
    assert_eq!(desk.record(Event::Success { trial: Some(trial) }, 24).await, None);
    assert_eq!(desk.health(24).await, BreakerHealth::HalfOpen);
}

pub(crate) async fn a_reset_closes_and_tells_what_was<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let reset = desk.store.reset(P, CONFIG, at(1)).await;
    assert_eq!(reset, Some(transition(Phase::Open, Phase::Closed, 3, None)));
    assert_eq!(desk.health(1).await, BreakerHealth::Closed);
    assert_eq!(desk.store.reset(P, CONFIG, at(2)).await, None);
    desk.open(3).await;
    let trial = desk.trial(13).await;
    let reset = desk.store.reset(P, CONFIG, at(14)).await;
    assert_eq!(reset, Some(transition(Phase::HalfOpen, Phase::Closed, 3, None)));
    // The trial that was under way ends as any other request.
    assert_eq!(desk.record(Event::Failure { trial: Some(trial) }, 15).await, None);
    assert_eq!(desk.state(15).await.failures, 1);
}

pub(crate) async fn a_reset_forgets_the_count<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.record(FAILURE, 0).await;
    desk.record(FAILURE, 0).await;
    assert_eq!(desk.store.reset(P, CONFIG, at(1)).await, None);
    desk.open(2).await;
}

pub(crate) async fn a_good_probe_makes_it_half_open_early<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let probed = desk.record(Event::ProbeSuccess, 1).await;
    assert_eq!(probed, Some(transition(Phase::Open, Phase::HalfOpen, 3, None)));
    assert_eq!(desk.health(1).await, BreakerHealth::HalfOpen);
    assert_eq!(desk.record(Event::ProbeSuccess, 2).await, None);
    let trial = desk.trial(2).await;
    let opened = desk.record(Event::Failure { trial: Some(trial) }, 3).await;
    assert_eq!(opened, Some(transition(Phase::HalfOpen, Phase::Open, 4, Some(13))));
}

pub(crate) async fn after_it_has_closed_it_starts_anew<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    // Nobody takes a trial: what had been sent before still tells that the provider is well.
    assert_eq!(desk.record(SUCCESS, 10).await, Some(transition(Phase::Open, Phase::HalfOpen, 3, None)));
    assert_eq!(desk.record(SUCCESS, 10).await, Some(transition(Phase::HalfOpen, Phase::Closed, 3, None)));
    desk.open(11).await;
}
