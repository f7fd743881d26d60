//! The one trial of a half-open breaker.

use hub_circuit_breaker::{BreakerHealth, Event, Permission, Phase, TrialAnswer};

use super::{Desk, FAILURE, Subject, ms, transition};

pub(crate) async fn the_first_trial_makes_it_half_open<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let answer = desk.take(10).await;
    assert!(matches!(answer.permission, Permission::Trial(trial) if trial.until == ms(70)), "{answer:?}");
    assert_eq!(answer.transition, Some(transition(Phase::Open, Phase::HalfOpen, 3, None)));
    assert_eq!(desk.health(10).await, BreakerHealth::OnTrial { until: ms(70) });
}

pub(crate) async fn one_at_a_time<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    desk.trial(10).await;
    for seconds in [10, 30, 69] {
        let refused = TrialAnswer { permission: Permission::Refused, transition: None };
        assert_eq!(desk.take(seconds).await, refused);
        assert!(!desk.health(seconds).await.admits());
    }
}

pub(crate) async fn a_lease_ends_by_itself<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    desk.trial(10).await;
    assert_eq!(desk.health(70).await, BreakerHealth::HalfOpen);
    assert_eq!(desk.trial(70).await.until, ms(130));
    assert_eq!(desk.take(71).await.permission, Permission::Refused);
}

pub(crate) async fn one_that_is_given_back_is_free_for_the_next<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    for seconds in 10..14 {
        let trial = desk.trial(seconds).await;
        assert_eq!(desk.take(seconds).await.permission, Permission::Refused);
        assert_eq!(desk.record(Event::TrialGivenBack { trial }, seconds).await, None);
        assert_eq!(desk.health(seconds).await, BreakerHealth::HalfOpen);
    }
}

pub(crate) async fn whoever_lost_the_lease_does_not_end_the_next_one<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let slow = desk.trial(10).await;
    desk.trial(80).await;
    desk.record(Event::TrialGivenBack { trial: slow }, 81).await;
    assert_eq!(desk.take(82).await.permission, Permission::Refused);
    // What it found out counts all the same.
    desk.record(Event::Success { trial: Some(slow) }, 83).await;
    assert_eq!(desk.state(83).await.half_open_successes, 1);
    assert_eq!(desk.take(84).await.permission, Permission::Refused);
}

pub(crate) async fn a_closed_breaker_needs_none<S: Subject>() {
    let desk = Desk::<S>::new().await;
    for seconds in 0..3 {
        let free = TrialAnswer { permission: Permission::Free, transition: None };
        assert_eq!(desk.take(seconds).await, free);
    }
    desk.record(FAILURE, 3).await;
    assert_eq!(desk.take(3).await.permission, Permission::Free);
    assert_eq!(desk.state(3).await.trial_until, 0);
}

pub(crate) async fn an_open_one_gives_none<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.open(0).await;
    let refused = TrialAnswer { permission: Permission::Refused, transition: None };
    assert_eq!(desk.take(9).await, refused);
}
