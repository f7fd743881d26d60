//! What Redis loses, all of it or parts, is read from the ledger before anybody trusts it.

use std::sync::Arc;
use std::time::Duration;

use hub_rate_limit::{Amount, Known, LimitType, Owner, RateLimiter, RedisLimits, Slot, Verdict};
use hub_redis::{Batch, RedisConnection};
use hub_testkit::Redis;
use hub_types::ResetMode;
use jiff::SignedDuration;
use tokio::time::sleep;

use super::contract::InRedis;
use super::traffic::{Traffic, instance, is_back};
use super::{PATIENCE, all_keys, connect, until};
use crate::contract::{Desk, Person, at, dollars, only, total, usd};

async fn flush_all(connection: &RedisConnection) {
    let mut batch = Batch::new();
    batch.command("FLUSHALL", "SYNC", []);
    connection.run(batch).await.unwrap().remove(0).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emptied_under_load_it_neither_forgets_nor_counts_twice() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis.url()).await;
    let hubs = [
        instance(&redis.url(), RedisLimits::default()).await,
        instance(&redis.url(), RedisLimits::default()).await,
    ];
    let traffic = Traffic::new("1000");
    let (outcome, ()) = tokio::join!(traffic.flow(&hubs, Duration::from_secs(3)), async {
        for _ in 0..5 {
            sleep(Duration::from_millis(500)).await;
            flush_all(&connection).await;
        }
    });
    assert_eq!(outcome.refused, 0);
    for hub in &hubs {
        traffic.check_sums(hub).await;
    }
}

#[tokio::test]
async fn lost_sets_of_buckets_are_noticed() {
    let desk = Desk::<InRedis>::new().await;
    let connection = desk.subject.connection().await;
    let rolling = (LimitType::Usd5h, ResetMode::Rolling);
    let person = Person { key_money: only(rolling, "10"), key_rpm: Some(100), ..Person::new() };
    desk.spend(&person, "4", at(0)).await;
    let lose = async || {
        for key in all_keys(&connection).await.iter().filter(|key| key.ends_with(":5h_rolling")) {
            let mut batch = Batch::new();
            batch.command("DEL", key, []);
            connection.run(batch).await.unwrap().remove(0).unwrap();
        }
    };
    lose().await;
    let (_, verdict) = desk.try_admit(&person, at(1)).await;
    let Known::Restore(questions) = verdict else { panic!("{verdict:?}") };
    assert_eq!(questions[0].wanted.len(), 1, "the minute is known: {questions:?}");
    desk.restore_nothing(&questions, at(1)).await;
    desk.spend(&person, "3", at(2)).await;
    // Noticed by a charge, it is asked for by the next admission.
    lose().await;
    desk.settle(person.ticket(), "1", at(3)).await;
    assert!(matches!(desk.try_admit(&person, at(4)).await.1, Known::Restore(_)));
}

#[tokio::test]
async fn a_charge_of_before_that_comes_after_the_ledgers_answer_does_not_count_twice() {
    let desk = Desk::<InRedis>::new().await;
    let person = Person { key_money: total("10"), ..Person::new() };
    desk.admitted(&person, at(10)).await;
    desk.settle(person.ticket(), "4", at(9)).await;
    assert_eq!(desk.taken(&person, at(11)).await.0, dollars("0"));
    desk.settle(person.ticket(), "4", at(10)).await;
    assert_eq!(desk.taken(&person, at(12)).await.0, dollars("4"));
}

#[tokio::test]
async fn a_charge_that_overtakes_the_question_is_asked_for() {
    let desk = Desk::<InRedis>::new().await;
    let person = Person { key_money: total("10"), key_rpm: Some(5), ..Person::new() };
    // Nobody counted it, and whoever asks does not know of it yet.
    desk.settle(person.ticket(), "4", at(10)).await;
    desk.settle(person.ticket(), "4", at(86_400)).await;
    let asked = at(10) - SignedDuration::from_millis(300);
    let (_, known) = desk.try_admit(&person, asked).await;
    let Known::Restore(questions) = known else { panic!("{known:?}") };
    let total = questions.iter().find(|question| question.wanted.iter().any(|one| one.slot == Slot::Total));
    let before = total.unwrap().before;
    assert_eq!(before, at(10) + SignedDuration::from_millis(1), "and not of a clock that is far ahead");
    desk.restore_nothing(&questions, at(10)).await;
    desk.admitted(&person, at(11)).await;
    desk.settle(person.ticket(), "1", at(11)).await;
    assert_eq!(desk.usage(&person, at(12)).await[1].used, dollars("1"));
}

#[tokio::test]
async fn whoever_has_charges_that_did_not_fit_is_read_from_the_ledger() {
    for keys_to_overflow in [false, true] {
        let redis = Redis::start().await.unwrap();
        let hub = instance(&redis.url(), RedisLimits { max_waiting: 4, ..RedisLimits::default() }).await;
        let (one, other) = (person(), person());
        for person in [&one, &other] {
            let admitted = admit(&hub.limiter, person).await;
            assert_eq!(admitted, Known::Yes(Verdict::Admitted));
        }
        redis.freeze().unwrap();
        let whose = if keys_to_overflow { &one } else { &other };
        for _ in 0..200 {
            hub.limiter.settle(whose.ticket(), Amount { money: usd("1"), tokens: 0 }, at(1));
        }
        assert!(hub.limiter.shared().writes().lost >= 100);
        assert!(hub.limiter.shared().writes().is_behind);
        redis.thaw().unwrap();
        until("it has caught up", || async { !hub.limiter.shared().writes().is_behind }).await;
        is_back(&hub).await;
        let shared = hub.limiter.shared();
        for person in [&one, &other] {
            for owner in [person.key_owner(), Owner::User(person.user)] {
                let usage = shared.usage(owner, person.key_limits(), at(2)).await.unwrap();
                let is_whose = person.user == whose.user;
                assert_eq!(matches!(usage, Known::Restore(_)), is_whose, "{owner:?}: {usage:?}");
            }
        }
        hub.limiter.close(PATIENCE).await;
    }
}

#[tokio::test]
async fn who_was_asked_by_a_clock_that_is_put_back_does_not_keep_others_waiting() {
    let desk = Desk::<InRedis>::new().await;
    let person = person();
    assert!(matches!(desk.try_admit(&person, at(86_400)).await.1, Known::Restore(_)));
    let behind = desk.try_admit(&person, at(86_399)).await.1;
    assert_eq!(behind, Known::Restoring, "another's clock is a bit behind");
    assert!(matches!(desk.try_admit(&person, at(0)).await.1, Known::Restore(_)));
}

#[tokio::test]
async fn whoever_has_charges_that_redis_refused_is_read_from_the_ledger() {
    let redis = Redis::start().await.unwrap();
    let hub = instance(&redis.url(), RedisLimits::default()).await;
    let rolling = only((LimitType::Usd5h, ResetMode::Rolling), "1000");
    let (one, other) = (Person { key_money: rolling, ..person() }, person());
    for person in [&one, &other] {
        assert_eq!(admit(&hub.limiter, person).await, Known::Yes(Verdict::Admitted));
    }
    // Somebody has put something else there.
    let mut batch = Batch::new();
    let key = format!("limit:{{u:{}}}:key:{}:5h_rolling", one.user, one.key);
    batch.command("SET", &key, ["x".into()]);
    hub.connection.run(batch).await.unwrap().remove(0).unwrap();
    for person in [&one, &other] {
        hub.limiter.settle(person.ticket(), Amount { money: usd("1"), tokens: 0 }, at(1));
    }
    assert!(hub.limiter.shared().flush(PATIENCE).await);
    is_back(&hub).await;
    assert_eq!(hub.limiter.shared().writes().lost, 1);
    let usage = async |person: &Person| {
        hub.limiter.usage(person.key_owner(), person.key_limits(), at(2)).await.unwrap()
    };
    assert!(matches!(usage(&one).await, Known::Restore(_)));
    let Known::Yes(known) = usage(&other).await else { panic!("not known any more") };
    assert_eq!(known[0].used, dollars("1"));
}

fn person() -> Person {
    Person { key_money: total("1000"), user_money: total("1000"), ..Person::new() }
}

async fn admit(limiter: &impl RateLimiter, person: &Person) -> Known<Verdict> {
    for _ in 0..2 {
        let known = limiter.admit(&person.admission(person.ticket()), at(0)).await.unwrap();
        let Known::Restore(questions) = known else { return known };
        for question in questions {
            limiter.restore(&question, &question.nothing(), at(0)).await.unwrap();
        }
    }
    panic!("restored, and yet unknown")
}

impl InRedis {
    async fn connection(&self) -> Arc<RedisConnection> {
        connect(self.database.url()).await
    }
}
