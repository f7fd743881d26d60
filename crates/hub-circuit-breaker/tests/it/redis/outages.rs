//! Redis stopped, frozen, emptied, and back: requests go on, in time, and what is newer wins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_circuit_breaker::{
    Breaker, BreakerConfig, BreakerHealth, BreakerState, BreakerStore, Event, FallbackBreakerStore, Known,
    Permission, Phase, RedisBreakers,
};
use hub_redis::{RedisConnection, RedisHealth, RedisSettings};
use hub_testkit::Redis;
use hub_types::ProviderId;

use super::{ask, connect_with, listed, over, store, until};
use crate::contract::{CONFIG, FAILURE, P, Q, SUCCESS, at, ms};
use crate::history::Chance;

async fn connect(redis: &Redis) -> Arc<RedisConnection> {
    connect_with(&redis.url(), RedisSettings::default()).await
}

async fn fail(store: &FallbackBreakerStore, seconds: i64) {
    store.record(P, FAILURE, CONFIG, at(seconds)).await;
}

async fn is_back(connection: &RedisConnection) {
    let patience = Duration::from_millis(200);
    until("Redis is back", || async { connection.ping(patience).await.is_ok() }).await;
    // It was too slow, and is left alone for a moment.
    until("Redis is asked again", || async { connection.health() == RedisHealth::Up }).await;
}

/// As Redis has it, whoever knows what.
async fn in_redis(redis: &Redis) -> BreakerState {
    let raw = RedisBreakers::new(connect(redis).await);
    raw.read(&[(P, Known::Nothing)], at(0)).await.unwrap()[0]
}

#[tokio::test]
async fn what_happened_while_redis_was_away_is_told_when_it_is_back() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let here = over(connection.clone());
    fail(&here, 0).await;
    redis.stop().await.unwrap();
    fail(&here, 1).await;
    let opened = here.record(P, FAILURE, CONFIG, at(2)).await.unwrap();
    assert_eq!((opened.to, opened.failures), (Phase::Open, 3));
    assert!(here.is_behind());
    assert_eq!(here.health(P, CONFIG, at(3)), BreakerHealth::Open { reopens_at: ms(12) });
    assert_eq!(here.take_trial(P, CONFIG, at(3)).await.permission, Permission::Refused);
    redis.start_again().await.unwrap();
    is_back(&connection).await;
    here.sweep(at(4)).await;
    assert!(!here.is_behind());
    let there = store(&redis.url()).await;
    there.refresh(&[P], at(5)).await;
    assert_eq!(there.health(P, CONFIG, at(5)), BreakerHealth::Open { reopens_at: ms(12) });
}

#[tokio::test]
async fn of_two_that_went_on_without_each_other_the_newer_transition_wins() {
    for reset_is_newer in [true, false] {
        let redis = Redis::start().await.unwrap();
        let connections = [connect(&redis).await, connect(&redis).await];
        let [here, there] = connections.each_ref().map(|connection| over(Arc::clone(connection)));
        for _ in 0..3 {
            fail(&here, 0).await;
        }
        there.refresh(&[P], at(1)).await;
        redis.stop().await.unwrap();
        // One finds the provider well, the other does not.
        let (closes, opens) = if reset_is_newer { (14, 12) } else { (12, 14) };
        assert!(there.take_trial(P, CONFIG, at(10)).await.transition.is_some());
        here.reset(P, CONFIG, at(closes)).await;
        there.record(P, FAILURE, CONFIG, at(opens)).await;
        redis.start_again().await.unwrap();
        for connection in &connections {
            is_back(connection).await;
        }
        // Whoever comes first.
        there.sweep(at(15)).await;
        here.refresh(&[P], at(15)).await;
        let expected = if reset_is_newer { Phase::Closed } else { Phase::Open };
        assert_eq!(in_redis(&redis).await.phase, expected);
        for store in [&here, &there] {
            assert_eq!(listed(store, P, 16).await.phase, expected);
        }
    }
}

#[tokio::test]
async fn an_event_that_finds_redis_back_is_told_after_what_redis_missed() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let here = over(connection.clone());
    redis.stop().await.unwrap();
    fail(&here, 0).await;
    fail(&here, 0).await;
    redis.start_again().await.unwrap();
    is_back(&connection).await;
    let opened = here.record(P, FAILURE, CONFIG, at(1)).await.unwrap();
    assert_eq!((opened.from, opened.to, opened.failures), (Phase::Closed, Phase::Open, 3));
    assert_eq!(in_redis(&redis).await.phase, Phase::Open);
    assert!(!here.is_behind());
}

#[tokio::test]
async fn a_frozen_redis_costs_no_more_than_its_time_out_and_nothing_is_counted_twice() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let here = over(connection.clone());
    fail(&here, 0).await;
    redis.freeze().unwrap();
    let lively = |asked: Instant| {
        assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
    };
    for seconds in 1..5 {
        let asked = Instant::now();
        here.refresh(&[P, Q], at(seconds)).await;
        lively(asked);
        let asked = Instant::now();
        assert_eq!(here.health(P, CONFIG, at(seconds)), BreakerHealth::Closed);
        if seconds == 4 {
            fail(&here, seconds).await;
        }
        here.record(Q, SUCCESS, CONFIG, at(seconds)).await;
        lively(asked);
    }
    assert!(here.is_behind());
    redis.thaw().unwrap();
    is_back(&connection).await;
    // What was sent in vain has been executed by now, and the same is merged.
    assert_eq!(listed(&here, P, 6).await.failures, 2);
    assert_eq!(in_redis(&redis).await.failures, 2);
    assert!(here.record(P, FAILURE, CONFIG, at(7)).await.is_some());
}

#[tokio::test]
async fn a_trial_that_was_taken_without_redis_is_held_when_it_is_back() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let here = over(connection.clone());
    for _ in 0..3 {
        fail(&here, 0).await;
    }
    redis.stop().await.unwrap();
    let Permission::Trial(trial) = here.take_trial(P, CONFIG, at(10)).await.permission else { panic!() };
    assert_eq!(here.take_trial(P, CONFIG, at(10)).await.permission, Permission::Refused);
    redis.start_again().await.unwrap();
    is_back(&connection).await;
    here.sweep(at(11)).await;
    let there = store(&redis.url()).await;
    there.refresh(&[P], at(11)).await;
    assert_eq!(there.take_trial(P, CONFIG, at(11)).await.permission, Permission::Refused);
    here.record(P, Event::Success { trial: Some(trial) }, CONFIG, at(12)).await;
    assert!(matches!(there.take_trial(P, CONFIG, at(12)).await.permission, Permission::Trial(_)));
}

#[tokio::test]
async fn an_open_breaker_survives_that_redis_is_emptied() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let here = over(connection.clone());
    for _ in 0..3 {
        fail(&here, 0).await;
    }
    let open = in_redis(&redis).await;
    // By the next event,
    ask(&connection, "FLUSHALL", "SYNC", &[]).await;
    assert_eq!(here.record(P, FAILURE, CONFIG, at(1)).await, None);
    assert_eq!(in_redis(&redis).await, open);
    // by a trial,
    ask(&connection, "FLUSHALL", "SYNC", &[]).await;
    assert_eq!(here.take_trial(P, CONFIG, at(2)).await.permission, Permission::Refused);
    assert_eq!(in_redis(&redis).await, open);
    // and by nothing but requests that look.
    ask(&connection, "FLUSHALL", "SYNC", &[]).await;
    here.refresh(&[P], at(3)).await;
    assert_eq!(here.health(P, CONFIG, at(3)), BreakerHealth::Open { reopens_at: ms(10) });
    here.refresh(&[P], at(3)).await;
    assert_eq!(in_redis(&redis).await, open);
    assert!(!here.is_behind());
}

#[tokio::test]
async fn a_reset_survives_that_redis_is_emptied_where_somebody_still_has_it_open() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let (here, there) = (over(connection.clone()), over(connect(&redis).await));
    for _ in 0..3 {
        fail(&here, 0).await;
    }
    there.refresh(&[P], at(1)).await;
    here.reset(P, CONFIG, at(1)).await;
    ask(&connection, "FLUSHALL", "SYNC", &[]).await;
    // This one does not know of the reset, and gives Redis back what it knows.
    there.refresh(&[P], at(2)).await;
    there.sweep(at(2)).await;
    assert_eq!(in_redis(&redis).await.phase, Phase::Open);
    here.refresh(&[P], at(3)).await;
    here.sweep(at(3)).await;
    assert_eq!(in_redis(&redis).await.phase, Phase::Closed);
    assert_eq!(listed(&there, P, 4).await.phase, Phase::Closed);
}

#[tokio::test]
async fn a_redis_that_is_killed_again_and_again_loses_nothing_that_an_instance_knows() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis).await;
    let here = over(connection.clone());
    for _ in 0..3 {
        fail(&here, 0).await;
    }
    for round in 0..5 {
        redis.stop().await.unwrap();
        redis.start_again().await.unwrap();
        is_back(&connection).await;
        until("Redis has it again", || async {
            // A second after the round before: what was read then is too old.
            here.refresh(&[P], at(round + 1)).await;
            here.sweep(at(round + 1)).await;
            in_redis(&redis).await.phase == Phase::Open
        })
        .await;
    }
}

/// Whatever happens at two instances, with Redis and without it: when it is back all agree, on the newest.
#[tokio::test]
async fn after_every_outage_all_agree() {
    let redis = Redis::start().await.unwrap();
    let connections = [connect(&redis).await, connect(&redis).await];
    let stores = connections.each_ref().map(|connection| over(Arc::clone(connection)));
    let asked: Vec<_> = (1..=30).map(|id| (ProviderId(id), CONFIG)).collect();
    let providers: Vec<_> = asked.iter().map(|(id, _)| *id).collect();
    let mut chance = Chance::new(7);
    let (mut seconds, mut settled_by_one) = (0, 0);
    for round in 0..6 {
        for is_away in [false, true] {
            if is_away {
                redis.stop().await.unwrap();
            }
            for _ in 0..200 {
                seconds += chance.span(3);
                live_a_little(chance.pick(&[&stores[0], &stores[1]]), &mut chance, seconds).await;
            }
        }
        // Nobody answers: these are the copies. What time alone would do to them is no transition yet.
        let timeless = BreakerConfig { open_duration_ms: 1_000_000_000, ..CONFIG };
        let asked_so: Vec<_> = providers.iter().map(|id| (*id, timeless)).collect();
        let [copy, other] = [&stores[0], &stores[1]];
        let copies = [copy.list(&asked_so, at(seconds)).await, other.list(&asked_so, at(seconds)).await];
        redis.start_again().await.unwrap();
        for connection in &connections {
            is_back(connection).await;
        }
        // The one tells, the other hears it and tells, the one hears it.
        for _ in 0..2 {
            for store in &stores {
                seconds += 1;
                store.refresh(&providers, at(seconds)).await;
                store.sweep(at(seconds)).await;
            }
        }
        seconds += 1;
        let [here, there] =
            [stores[0].list(&asked, at(seconds)).await, stores[1].list(&asked, at(seconds)).await];
        for (number, (one, other)) in here.iter().zip(&there).enumerate() {
            let what = format!("{one:?} {other:?} in round {round}");
            let view = |breaker: &Breaker| {
                let BreakerState { phase, failures, half_open_successes, trial_until, .. } = breaker.state;
                (breaker.health, phase, failures, half_open_successes, trial_until)
            };
            assert_eq!(view(one), view(other), "{what}");
            let [before, beside] = [copies[0][number].state, copies[1][number].state];
            if before.changed_at != beside.changed_at {
                let newer = if before.changed_at > beside.changed_at { before } else { beside };
                // Time alone may have gone on from there.
                let has_gone_on = newer.phase == Phase::Open && one.state.phase == Phase::HalfOpen;
                assert!(one.state.phase == newer.phase || has_gone_on, "{newer:?} {what}");
                settled_by_one += 1;
            }
        }
        assert!(!stores[0].is_behind() && !stores[1].is_behind());
    }
    assert!(settled_by_one > 30, "{settled_by_one}");
}

async fn live_a_little(store: &FallbackBreakerStore, chance: &mut Chance, seconds: i64) {
    let (provider, now) = (ProviderId(1 + chance.span(30)), at(seconds));
    store.refresh(&[provider], now).await;
    let event = match chance.below(10) {
        0..5 => FAILURE,
        5 | 6 => SUCCESS,
        7 => Event::Reset,
        _ => {
            let Permission::Trial(trial) = store.take_trial(provider, CONFIG, now).await.permission else {
                return;
            };
            chance.pick(&[
                Event::Success { trial: Some(trial) },
                Event::Failure { trial: Some(trial) },
                Event::TrialGivenBack { trial },
            ])
        }
    };
    store.record(provider, event, CONFIG, now).await;
}
