//! The keys in Redis: those that operators know, and for how long. And how often Redis is asked.

use hub_rate_limit::{Amount, Known, Limits, Payer, RateLimiter, RedisLimits, RedisRateLimiter, Verdict};
use hub_redis::RedisSettings;
use hub_testkit::{Redis, WireTap};
use hub_types::{AttemptId, KeyId, MoneyLimits, ProviderId, ResetMode, UserId};
use std::time::Duration;

use super::{PATIENCE, all_keys, ask, connect, connect_with, limiter, patient, utc};
use crate::contract::{Person, at, usd};

const HOUR: i64 = 3_600_000;

/// How long a key of this name lasts at most, in ms; `None` = there is no such key.
fn lifetime(key: &str) -> Option<i64> {
    let (tag, rest) = key.strip_prefix("limit:{")?.split_once("}:")?;
    let (kind, id) = tag.split_once(':')?;
    id.parse::<UserId>().ok()?;
    let parts: Vec<&str> = rest.split(':').collect();
    let (owner, slot) = match (kind, parts.as_slice()) {
        ("u", ["held"]) => return Some(HOUR / 4 + HOUR),
        ("u" | "p", ["done"]) => return Some(HOUR),
        ("u", ["key", id, slot @ ..]) => (id.parse::<KeyId>().is_ok(), slot),
        ("u", ["user", slot @ ..]) | ("p", ["provider", slot @ ..]) => (true, slot),
        _ => return None,
    };
    let lifetime = match slot {
        [] => 40 * 24 * HOUR,
        ["rpm"] => 62_000 + HOUR,
        ["5h_rolling"] => 5 * HOUR + 120_000 + HOUR,
        ["5h_fixed"] => 5 * HOUR + HOUR,
        ["day_rolling"] => 24 * HOUR + 120_000 + HOUR,
        _ => return None,
    };
    owner.then_some(lifetime)
}

fn everything(mode: ResetMode) -> MoneyLimits {
    let limit = Some(usd("100"));
    MoneyLimits {
        limit_5h_usd: limit,
        limit_5h_reset_mode: mode,
        limit_daily_usd: limit,
        daily_reset_mode: mode,
        limit_weekly_usd: limit,
        limit_monthly_usd: limit,
        limit_total_usd: limit,
        ..MoneyLimits::default()
    }
}

#[tokio::test]
async fn after_a_busy_run_there_are_only_keys_of_the_table_and_none_stays_for_ever() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis.url()).await;
    let limiter = limiter(&redis.url()).await;
    let people: Vec<Person> = (0..20)
        .map(|number| {
            let mode = if number % 2 == 0 { ResetMode::Rolling } else { ResetMode::Fixed };
            let limited = Person {
                user_money: everything(mode),
                key_money: everything(ResetMode::Rolling),
                user_rpm: Some(50),
                key_rpm: (number % 3 == 0).then_some(40),
                key_tokens: Some(1_000_000),
                ..Person::new()
            };
            limited.expecting("0.01")
        })
        .collect();
    for round in 0..30_i64 {
        for (number, person) in people.iter().enumerate() {
            let ticket = person.ticket();
            let now = at(round * 7);
            match limiter.admit(&person.admission(ticket), now).await.unwrap() {
                Known::Restore(questions) => {
                    // What comes in meanwhile is collected.
                    let early = person.ticket();
                    limiter.settle(early, Amount { money: usd("0.03"), tokens: 5 }, now);
                    limiter.flush(PATIENCE).await;
                    if round == 0 && number == 1 {
                        let keys = all_keys(&connection).await;
                        assert!(keys.iter().any(|key| key.ends_with(":5h_fixed")), "{keys:?}");
                    }
                    for question in questions {
                        limiter.restore(&question, &question.nothing(), now).await.unwrap();
                    }
                }
                Known::Yes(_) | Known::Restoring => {}
            }
            limiter.refresh(ticket, now);
            if number % 4 == 0 {
                limiter.release(ticket, now);
            } else if round % 3 != 0 {
                limiter.settle(ticket, Amount { money: usd("0.01"), tokens: 10 }, now);
            }
            let provider = ProviderId(i64::try_from(number).unwrap());
            let money = everything(if number % 2 == 0 { ResetMode::Fixed } else { ResetMode::Rolling });
            let limits = Limits { rpm: None, money: &money, tokens: None };
            for room in limiter.room(&[(provider, limits)], now).await.unwrap() {
                let Known::Restore(questions) = room else { continue };
                for question in questions {
                    limiter.restore(&question, &question.nothing(), now).await.unwrap();
                }
            }
            let actual = Amount { money: usd("0.01"), tokens: 10 };
            limiter.charge(AttemptId::fresh(), Payer::Provider(provider), actual, now);
            limiter.charge(AttemptId::fresh(), Payer::Caller(person.user, person.key), actual, now);
        }
        limiter.flush(PATIENCE).await;
    }
    assert_eq!(limiter.writes().lost, 0);
    let keys = all_keys(&connection).await;
    assert!(keys.len() > 200, "{}", keys.len());
    for kind in [":held", ":done", ":user", ":provider", ":rpm", ":5h_rolling", ":day_rolling"] {
        assert!(keys.iter().any(|key| key.ends_with(kind)), "none ends in {kind}");
    }
    for key in keys {
        let most = lifetime(&key).unwrap_or_else(|| panic!("{key} is not in the table"));
        let left = ask(&connection, "PTTL", &key).await.int().unwrap();
        assert!(left > most - 120_000 && left <= most, "{key}: {left} of {most}");
    }
}

#[tokio::test]
async fn everything_takes_one_round_trip() {
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let settings = RedisSettings { watch_interval: Duration::from_secs(3600), ..patient() };
    let connection = connect_with(&format!("redis://{}", tap.address()), settings).await;
    let limiter = RedisRateLimiter::new(connection, RedisLimits::default(), utc());
    let limits = everything(ResetMode::Rolling);
    let person = Person {
        user_money: limits.clone(),
        key_money: limits.clone(),
        user_rpm: Some(1000),
        key_rpm: Some(1000),
        key_tokens: Some(1_000_000),
        ..Person::new()
    };
    let person = person.expecting("0.01");
    let providers: Vec<_> =
        (0..20).map(|id| (ProviderId(id), Limits { rpm: None, money: &limits, tokens: None })).collect();
    let amount = Amount { money: usd("0.01"), tokens: 3 };
    let mut counted = Vec::new();
    // The first time around Redis learns the scripts and what was before.
    for round in 0..5 {
        let mut trips = Vec::new();
        let mut before = tap.round_trips();
        let mut note = |what| {
            trips.push((what, tap.round_trips() - before));
            before = tap.round_trips();
        };
        let ticket = person.ticket();
        let verdict = limiter.admit(&person.admission(ticket), at(round)).await.unwrap();
        note("admission");
        if let Known::Restore(questions) = verdict {
            for question in questions {
                limiter.restore(&question, &question.nothing(), at(round)).await.unwrap();
            }
        } else {
            assert_eq!(verdict, Known::Yes(Verdict::Admitted));
        }
        note("restore");
        limiter.refresh(ticket, at(round));
        limiter.flush(PATIENCE).await;
        note("refresh");
        limiter.settle(ticket, amount, at(round));
        limiter.flush(PATIENCE).await;
        note("settlement");
        limiter.release(person.ticket(), at(round));
        limiter.flush(PATIENCE).await;
        note("release");
        limiter.charge(AttemptId::fresh(), Payer::Provider(ProviderId(1)), amount, at(round));
        limiter.flush(PATIENCE).await;
        note("charge");
        assert_eq!(limiter.room(&providers, at(round)).await.unwrap().len(), 20);
        note("rooms of twenty");
        let refused = Person { key_rpm: Some(1), ..person.clone() };
        let refused = limiter.admit(&refused.admission(person.ticket()), at(round)).await.unwrap();
        assert!(round == 0 || matches!(refused, Known::Yes(Verdict::Refused(_))), "{refused:?}");
        note("refusal");
        counted = trips;
    }
    for (what, trips) in counted {
        assert_eq!(trips, u64::from(what != "restore"), "{what}");
    }
    // Who has no limits is not worth any.
    let before = tap.round_trips();
    let free = Person::new();
    limiter.admit(&free.admission(free.ticket()), at(9)).await.unwrap();
    assert_eq!(tap.round_trips(), before);
}
