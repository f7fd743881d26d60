//! Redis killed, frozen, and back, with 200 requests a second going on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hub_rate_limit::{Amount, Known, Limits, Payer, Quantity, RateLimiter, RedisLimits, Verdict};
use hub_testkit::Redis;
use hub_types::{AttemptId, ProviderId};

use super::traffic::{Traffic, instance, is_back, tell};
use super::{PATIENCE, limiter};
use crate::contract::{MONEY, Person, at, dollars, only, total, usd};

const WHILE: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_redis_costs_nothing_and_knows_everything_when_it_is_back() {
    let redis = Redis::start().await.unwrap();
    let hubs = [instance(&redis.url(), RedisLimits::default()).await];
    let traffic = Traffic::new("1000");
    assert_eq!(traffic.flow(&hubs, WHILE).await.refused, 0);
    redis.stop().await.unwrap();
    // The first few notice that the connection is gone.
    let first = traffic.flow(&hubs, WHILE / 3).await;
    assert_eq!(first.refused, 0);
    tell("at first", &first);
    let then = traffic.flow(&hubs, WHILE).await;
    assert_eq!(then.refused, 0);
    assert!(then.admitted > 100);
    tell("then", &then);
    redis.start_again().await.unwrap();
    let start = Instant::now();
    let (back, ()) = tokio::join!(traffic.flow(&hubs, WHILE), async {
        is_back(&hubs[0]).await;
        println!("back after {:?}", start.elapsed());
    });
    assert_eq!(back.refused, 0);
    traffic.check_sums(&hubs[0]).await;
    assert_eq!(hubs[0].limiter.shared().writes().lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_costs_nothing_once_the_gate_is_open_and_is_told_what_happened() {
    let redis = Redis::start().await.unwrap();
    let hubs = [instance(&redis.url(), RedisLimits::default()).await];
    let traffic = Traffic::new("1000");
    assert_eq!(traffic.flow(&hubs, WHILE).await.refused, 0);
    redis.freeze().unwrap();
    let first = traffic.flow(&hubs, WHILE).await;
    assert_eq!(first.refused, 0);
    tell("at first", &first);
    let then = traffic.flow(&hubs, WHILE).await;
    assert_eq!(then.refused, 0);
    tell("then", &then);
    redis.thaw().unwrap();
    let start = Instant::now();
    let (back, ()) = tokio::join!(traffic.flow(&hubs, WHILE), async {
        is_back(&hubs[0]).await;
        println!("back after {:?}", start.elapsed());
    });
    assert_eq!(back.refused, 0);
    traffic.check_sums(&hubs[0]).await;
    assert_eq!(hubs[0].limiter.shared().writes().lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_go_on_in_process_from_what_was_last_known() {
    let redis = Redis::start().await.unwrap();
    let hubs = [
        instance(&redis.url(), RedisLimits::default()).await,
        instance(&redis.url(), RedisLimits::default()).await,
    ];
    // Half a dollar each: 50 requests.
    let traffic = Traffic::new("0.5");
    let first = traffic.flow(&hubs, WHILE).await;
    assert_eq!(first.refused, 0);
    redis.stop().await.unwrap();
    // One hub goes on. What the other one let in it has heard of by the answers of Redis.
    let went_on = traffic.flow(&hubs[..1], Duration::from_secs(3)).await;
    assert!(went_on.refused > 0, "{}", went_on.admitted);
    for person in traffic.people() {
        let spent = traffic.spent(person);
        // The other hub's last few requests are not known here.
        assert!((500_000_000..=560_000_000).contains(&spent), "{spent}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_share_a_budget() {
    let redis = Redis::start().await.unwrap();
    let hubs = [
        instance(&redis.url(), RedisLimits::default()).await,
        instance(&redis.url(), RedisLimits::default()).await,
    ];
    let traffic = Traffic::new("0.3");
    let outcome = traffic.flow(&hubs, Duration::from_secs(3)).await;
    assert!(outcome.refused > 0);
    assert_eq!(outcome.admitted, traffic.people().len() * 30);
    for hub in &hubs {
        traffic.check_sums(hub).await;
    }
}

/// Asks to pass, with an empty past.
async fn admit(limiter: &impl RateLimiter, person: &Person, second: i64) -> Verdict {
    for _ in 0..3 {
        match limiter.admit(&person.admission(person.ticket()), at(second)).await.unwrap() {
            Known::Yes(verdict) => return verdict,
            Known::Restore(questions) => {
                for question in questions {
                    limiter.restore(&question, &question.nothing(), at(second)).await.unwrap();
                }
            }
            Known::Restoring => panic!("nobody is restoring"),
        }
    }
    panic!("restored, and yet unknown")
}

#[tokio::test]
async fn memory_knows_what_redis_told_last_of_every_window() {
    let redis = Redis::start().await.unwrap();
    let here = instance(&redis.url(), RedisLimits::default()).await;
    let other = instance(&redis.url(), RedisLimits::default()).await;
    let of = |dimension| Person { key_money: only(dimension, "10"), key_rpm: Some(4), ..Person::new() };
    let people: Vec<Person> = MONEY.into_iter().map(of).collect();
    let limits: Vec<_> = MONEY.into_iter().map(|dimension| only(dimension, "5")).collect();
    let provider = |number: usize| ProviderId(i64::try_from(number).unwrap());
    let providers: Vec<_> = (0..)
        .zip(&limits)
        .map(|(number, money)| (provider(number), Limits { rpm: None, money, tokens: None }))
        .collect();
    for room in here.limiter.room(&providers, at(0)).await.unwrap() {
        let Known::Restore(questions) = room else { panic!("{room:?}") };
        for question in questions {
            here.limiter.restore(&question, &question.nothing(), at(0)).await.unwrap();
        }
    }
    let mut open = Vec::new();
    for (number, person) in people.iter().enumerate() {
        let amount = |cost| Amount { money: usd(cost), tokens: 0 };
        for (hub, cost) in [(&here, "1"), (&other, "4")] {
            assert_eq!(admit(&hub.limiter, person, 0).await, Verdict::Admitted);
            hub.limiter.settle(person.ticket(), amount(cost), at(1));
            let payer = Payer::Provider(provider(number));
            hub.limiter.charge(AttemptId::fresh(), payer, amount(cost), at(1));
            assert!(hub.limiter.shared().flush(PATIENCE).await);
        }
        let ticket = person.ticket();
        let last = here.limiter.admit(&person.admission(ticket), at(2)).await.unwrap();
        assert_eq!(last, Known::Yes(Verdict::Admitted));
        open.push(ticket);
    }
    here.limiter.room(&providers, at(2)).await.unwrap();
    redis.stop().await.unwrap();
    for ((person, dimension), ticket) in people.iter().zip(MONEY).zip(open) {
        let usage = here.limiter.usage(person.key_owner(), person.key_limits(), at(3)).await.unwrap();
        let Known::Yes(usage) = usage else { panic!("{dimension:?}: {usage:?}") };
        assert_eq!(usage[0].used, Quantity::Count(3), "{dimension:?}");
        assert_eq!(usage[1].used, dollars("5"), "{dimension:?}");
        here.limiter.settle(ticket, Amount { money: usd("5"), tokens: 0 }, at(3));
        let verdict = admit(&here.limiter, person, 4).await;
        let Verdict::Refused(refusal) = verdict else { panic!("{dimension:?}: {verdict:?}") };
        assert_eq!((refusal.limit_type, refusal.current), (dimension.0, dollars("10")));
    }
    for (room, dimension) in here.limiter.room(&providers, at(3)).await.unwrap().into_iter().zip(MONEY) {
        let Known::Yes(Some(refusal)) = room else { panic!("{dimension:?}: {room:?}") };
        assert_eq!(refusal.current, dollars("5"), "{dimension:?}");
    }
}

#[tokio::test]
async fn what_is_let_in_without_redis_is_in_flight_there_when_it_is_back() {
    let redis = Redis::start().await.unwrap();
    let hub = instance(&redis.url(), RedisLimits::default()).await;
    let person = Person { key_money: total("10"), key_rpm: Some(3), ..Person::new() }.expecting("4");
    assert_eq!(admit(&hub.limiter, &person, 0).await, Verdict::Admitted);
    redis.freeze().unwrap();
    let ticket = person.ticket();
    let verdict = hub.limiter.admit(&person.admission(ticket), at(1)).await.unwrap();
    assert_eq!(verdict, Known::Yes(Verdict::Admitted));
    // This one is refused by memory, whatever Redis makes of it later.
    assert!(matches!(admit(&hub.limiter, &person, 2).await, Verdict::Refused(_)));
    redis.thaw().unwrap();
    assert!(hub.limiter.shared().flush(PATIENCE).await);
    is_back(&hub).await;
    let shared = hub.limiter.shared();
    let usage = shared.usage(person.key_owner(), person.key_limits(), at(3)).await.unwrap();
    let Known::Yes(usage) = usage else { panic!("{usage:?}") };
    assert_eq!(usage[1].reserved, dollars("8"));
    hub.limiter.settle(ticket, Amount { money: usd("3"), tokens: 0 }, at(4));
    assert!(hub.limiter.shared().flush(PATIENCE).await);
    let usage = shared.usage(person.key_owner(), person.key_limits(), at(5)).await.unwrap();
    let Known::Yes(usage) = usage else { panic!("{usage:?}") };
    assert_eq!((usage[1].used, usage[1].reserved), (dollars("3"), dollars("4")));
}

#[tokio::test]
async fn closing_writes_what_waits_and_waits_for_nobody_who_is_away() {
    let redis = Redis::start().await.unwrap();
    let closing = limiter(&redis.url()).await;
    let person = Person { key_money: total("1000"), ..Person::new() };
    assert_eq!(admit(&closing, &person, 0).await, Verdict::Admitted);
    for _ in 0..1000 {
        closing.settle(person.ticket(), Amount { money: usd("0.5"), tokens: 0 }, at(1));
    }
    closing.close(PATIENCE).await;
    let other = Arc::new(limiter(&redis.url()).await);
    let usage = other.usage(person.key_owner(), person.key_limits(), at(2)).await.unwrap();
    let Known::Yes(usage) = usage else { panic!("{usage:?}") };
    assert_eq!(usage[0].used, dollars("500"));
    redis.freeze().unwrap();
    other.settle(person.ticket(), Amount { money: usd("0.5"), tokens: 0 }, at(3));
    let asked = Instant::now();
    other.close(Duration::from_millis(300)).await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    redis.thaw().unwrap();
}
