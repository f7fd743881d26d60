//! The keys in Redis: those that operators know, and for how long.

use hub_session::{ConversationHash, SessionEnd, SessionStore, Trail, Visit};
use hub_testkit::Redis;
use hub_types::{KeyId, SessionId, UserId};

use super::{all_keys, ask, connect, store};
use crate::contract::{A, B, answered, at, failed, hash, sid, some, visit};

/// How long a key of this name lasts at most, in ms; `None` = there is no such key.
fn lifetime(key: &str) -> Option<i64> {
    let parts: Vec<&str> = key.split(':').collect();
    match parts.as_slice() {
        ["session", sid, "provider" | "key" | "info" | "usage" | "last_seen"] => {
            SessionId::parse(sid).is_ok().then_some(300_000)
        }
        ["session", _, "concurrent_count"] => Some(600_000),
        ["session", _, "seq"] => Some(86_400_000),
        ["hash", key, h] if h.len() == 16 => key.parse::<KeyId>().is_ok().then_some(3_600_000),
        ["global", "active_sessions"] => Some(3_600_000),
        ["key" | "user" | "provider", id, "active_sessions"] => {
            id.parse::<UserId>().is_ok().then_some(3_600_000)
        }
        _ => None,
    }
}

#[tokio::test]
async fn after_a_busy_run_there_are_only_keys_of_the_table_and_none_stays_for_ever() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis.url()).await;
    let store = store(&redis.url()).await;
    for number in 0..200_u64 {
        let session = SessionId::new(KeyId(i64::try_from(number % 7).unwrap()), &format!("c{}", number % 50));
        let limit = (number % 3 == 0).then_some(3).and_then(some);
        let visit = Visit { key_limit: limit, user_limit: limit, ..visit(&session) };
        let now = at(i64::try_from(number).unwrap());
        store.enter(&visit, now).await.unwrap();
        store.take_slot(&session, A, limit, now).await.unwrap();
        if number % 5 == 0 {
            store.release_slot(&session, A).await;
        }
        let hashes = (number..number + 3).map(ConversationHash).collect();
        let trail = Trail { hashes, known: usize::try_from(number % 4).unwrap() };
        let end =
            SessionEnd { trail: Some(&trail), answer: Some(hash(1000 + number)), ..answered(&session, B) };
        let end = if number % 6 == 0 { failed(&session) } else { end };
        store.leave(&end, now);
        store.find_conversation(session.key(), &trail.hashes, now).await.unwrap();
        if number % 11 == 0 {
            store.drop_binding(&session, B).await;
        }
    }
    store.sweep(at(0)).await;
    assert_eq!(store.lost_writes(), 0);
    let keys = all_keys(&connection).await;
    assert!(keys.len() > 300, "{}", keys.len());
    for key in keys {
        let most = lifetime(&key).unwrap_or_else(|| panic!("{key} is not in the table"));
        let left = ask(&connection, "PTTL", &key).await.int().unwrap();
        assert!(left > most - 60_000 && left <= most, "{key}: {left} of {most}");
    }
}

#[tokio::test]
async fn a_provider_has_its_own_time_for_bindings() {
    let redis = Redis::start().await.unwrap();
    let connection = connect(&redis.url()).await;
    let store = store(&redis.url()).await;
    let session = sid("a");
    let end = SessionEnd { binding_ttl: std::time::Duration::from_secs(1800), ..answered(&session, A) };
    store.enter(&visit(&session), at(0)).await.unwrap();
    store.leave(&end, at(0));
    store.sweep(at(0)).await;
    let left = ask(&connection, "PTTL", "session:k12.a:provider").await.int().unwrap();
    assert!((1_740_000..=1_800_000).contains(&left), "{left}");
    assert_eq!(ask(&connection, "GET", "session:k12.a:provider").await.text(), Some("1"));
    assert_eq!(ask(&connection, "TYPE", "session:k12.a:info").await.text(), Some("hash"));
    assert_eq!(ask(&connection, "TYPE", "provider:1:active_sessions").await.text(), Some("zset"));
}
