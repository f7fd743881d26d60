//! What one instance does, others see: at once where it matters, and in time everywhere else.

use hub_circuit_breaker::{BreakerHealth, BreakerStore, Permission, Phase, STALENESS};
use jiff::SignedDuration;

use super::{connect, listed, over};
use crate::contract::{CONFIG, FAILURE, P, SUCCESS, at, ms};
use hub_testkit::RedisDatabase;

#[tokio::test]
async fn an_opening_is_seen_by_others_when_their_copy_is_too_old() {
    let database = RedisDatabase::take().await.unwrap();
    let (here, there) = (over(connect(database.url()).await), over(connect(database.url()).await));
    there.refresh(&[P], at(0)).await;
    for _ in 0..3 {
        here.record(P, FAILURE, CONFIG, at(0)).await;
    }
    let stale = SignedDuration::try_from(STALENESS).unwrap();
    there.refresh(&[P], at(0) + stale).await;
    assert_eq!(there.health(P, CONFIG, at(0)), BreakerHealth::Closed);
    let late = at(0) + stale + SignedDuration::from_millis(1);
    there.refresh(&[P], late).await;
    assert_eq!(there.health(P, CONFIG, late), BreakerHealth::Open { reopens_at: ms(10) });
}

#[tokio::test]
async fn failures_add_up_over_instances_and_a_success_anywhere_takes_them_back() {
    let database = RedisDatabase::take().await.unwrap();
    let (here, there) = (over(connect(database.url()).await), over(connect(database.url()).await));
    for seconds in 0..5 {
        assert_eq!(here.record(P, FAILURE, CONFIG, at(seconds)).await, None);
        assert_eq!(there.record(P, FAILURE, CONFIG, at(seconds)).await, None);
        // An instance that has heard nothing for a while does not take its copy's word for it.
        let who = if seconds % 2 == 0 { &here } else { &there };
        assert_eq!(who.record(P, SUCCESS, CONFIG, at(seconds)).await, None);
        assert_eq!(listed(&here, P, seconds).await.failures, 0);
    }
    here.record(P, FAILURE, CONFIG, at(9)).await;
    there.record(P, FAILURE, CONFIG, at(9)).await;
    assert!(here.record(P, FAILURE, CONFIG, at(9)).await.is_some());
}

#[tokio::test]
async fn a_success_is_told_unless_the_copy_is_fresh() {
    let database = RedisDatabase::take().await.unwrap();
    let (here, there) = (over(connect(database.url()).await), over(connect(database.url()).await));
    there.refresh(&[P], at(0)).await;
    here.record(P, FAILURE, CONFIG, at(0)).await;
    there.record(P, SUCCESS, CONFIG, at(0)).await;
    assert_eq!(listed(&here, P, 0).await.failures, 1);
    there.record(P, SUCCESS, CONFIG, at(1)).await;
    assert_eq!(listed(&here, P, 1).await.failures, 0);
}

#[tokio::test]
async fn a_trial_is_asked_for_in_redis_whatever_the_copy_says() {
    let database = RedisDatabase::take().await.unwrap();
    let (here, there) = (over(connect(database.url()).await), over(connect(database.url()).await));
    for _ in 0..3 {
        here.record(P, FAILURE, CONFIG, at(0)).await;
    }
    for store in [&here, &there] {
        store.refresh(&[P], at(10)).await;
    }
    assert!(matches!(here.take_trial(P, CONFIG, at(10)).await.permission, Permission::Trial(_)));
    assert_eq!(there.health(P, CONFIG, at(10)), BreakerHealth::HalfOpen);
    assert_eq!(there.take_trial(P, CONFIG, at(10)).await.permission, Permission::Refused);
    assert_eq!(there.health(P, CONFIG, at(10)), BreakerHealth::OnTrial { until: ms(70) });
}

#[tokio::test]
async fn a_clock_that_is_behind_does_not_make_a_change_older_than_the_one_before() {
    let database = RedisDatabase::take().await.unwrap();
    let (here, there) = (over(connect(database.url()).await), over(connect(database.url()).await));
    for _ in 0..3 {
        here.record(P, FAILURE, CONFIG, at(100)).await;
    }
    assert!(there.reset(P, CONFIG, at(98)).await.is_some());
    assert_eq!(listed(&here, P, 101).await.phase, Phase::Closed);
    assert_eq!(listed(&here, P, 101).await.changed_at, ms(100) + 1);
}
