//! The bounds that only the store in memory has.

use std::num::NonZeroU32;
use std::time::Duration;

use hub_types::{Dialect, KeyId, ProviderId, SessionId, UserId};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Admission, BindingChange, ConversationHash, Limits, MemorySessionStore, SessionEnd, SessionStore,
    SessionUsage, Trail, Visit,
};

const KEY: KeyId = KeyId(4711);
const A: ProviderId = ProviderId(1);

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn store(max_entries: usize) -> MemorySessionStore {
    MemorySessionStore::new(Limits { max_entries, ..Limits::default() })
}

/// With a client id of 36 characters.
fn sid(number: usize) -> SessionId {
    SessionId::new(KEY, &format!("{number:036x}"))
}

fn visit(session: &SessionId) -> Visit<'_> {
    Visit {
        session,
        routing: session,
        key: KEY,
        user: UserId(1),
        key_limit: None,
        user_limit: None,
        dialect: Dialect::Claude,
        model: "claude-sonnet-4-5",
    }
}

/// A whole request: slot, binding, usage.
async fn talk(store: &MemorySessionStore, session: &SessionId, seconds: i64) {
    store.enter(&visit(session), at(seconds)).await.unwrap();
    store.take_slot(session, A, None, at(seconds)).await.unwrap();
    store.leave(&end(session), at(seconds));
}

fn end(session: &SessionId) -> SessionEnd<'_> {
    SessionEnd {
        session,
        routing: session,
        binding: BindingChange::Bind(A),
        binding_ttl: Duration::from_secs(300),
        provider: Some(A),
        status: 200,
        usage: SessionUsage { requests: 1, input_tokens: 1000, ..SessionUsage::default() },
        trail: None,
        answer: None,
    }
}

async fn is_known(store: &MemorySessionStore, number: usize) -> bool {
    store.find(&sid(number), at(50)).await.unwrap().is_some()
}

#[tokio::test]
async fn an_entry_takes_no_more_than_300_bytes() {
    for entries in [10_000, 20_000] {
        let store = store(entries);
        for number in 0..entries {
            talk(&store, &sid(number), 0).await;
        }
        assert_eq!(store.sessions(), entries);
        let each = store.footprint() / entries;
        assert!(each <= 300, "{each} bytes with {entries} entries");
    }
}

#[tokio::test]
async fn the_least_recently_used_session_goes() {
    let store = store(3);
    for (second, number) in [(0, 1), (1, 2), (2, 3), (3, 1), (4, 4)] {
        talk(&store, &sid(number), second).await;
    }
    let mut known = Vec::new();
    for number in 1..=4 {
        known.push(is_known(&store, number).await);
    }
    assert_eq!(known, [true, false, true, true]);
    // A look at it is no use of it; the end of a request is one.
    store.leave(&SessionEnd { binding: BindingChange::Keep, ..end(&sid(3)) }, at(5));
    talk(&store, &sid(5), 6).await;
    assert!(!is_known(&store, 1).await && is_known(&store, 3).await);
    assert_eq!(store.count_at(&[A], at(6)).await.unwrap()[&A], 3, "who went counts no longer");
    let (full, new) = (NonZeroU32::new(3), sid(6));
    let limited = Visit { key_limit: full, user_limit: full, ..visit(&new) };
    assert!(matches!(store.enter(&limited, at(6)).await, Ok(Admission::Refused(_))));
}

#[tokio::test]
async fn the_least_recently_used_hash_goes() {
    let store = store(3);
    let session = sid(1);
    let find = async |hash| store.find_conversation(KEY, &[ConversationHash(hash)], at(1)).await.unwrap();
    for hash in 1..=4 {
        let trail = Trail { hashes: [ConversationHash(hash)].into_iter().collect(), known: 0 };
        store.leave(&SessionEnd { trail: Some(&trail), ..end(&session) }, at(0));
        assert!(find(1).await.is_some(), "used again and again");
    }
    assert_eq!(store.conversations(), 3);
    assert!(find(2).await.is_none() && find(3).await.is_some() && find(4).await.is_some());
}

#[tokio::test]
async fn what_has_expired_leaves_without_a_request() {
    let store = store(10_000);
    for number in 0..600 {
        talk(&store, &sid(number), 0).await;
        let trail = Trail { hashes: [ConversationHash(number as u64)].into_iter().collect(), known: 0 };
        store.leave(&SessionEnd { trail: Some(&trail), ..end(&sid(number)) }, at(0));
    }
    store.enter(&visit(&sid(7)), at(10)).await.unwrap();
    store.sweep(at(299)).await;
    assert_eq!((store.sessions(), store.conversations()), (600, 600));
    store.sweep(at(301)).await;
    assert_eq!(store.sessions(), 1);
    store.sweep(at(1000)).await;
    assert_eq!(store.sessions(), 1, "a request is still in flight");
    store.sweep(at(3600)).await;
    assert_eq!(store.conversations(), 0);
    store.leave(&SessionEnd { binding: BindingChange::Keep, ..end(&sid(7)) }, at(3601));
    store.sweep(at(3901)).await;
    assert_eq!(store.sessions(), 0);
}

#[tokio::test]
async fn clocks_that_differ_slightly_do_not_keep_anybody() {
    let store = store(100);
    store.enter(&visit(&sid(1)), at(10)).await.unwrap();
    store.leave(&SessionEnd { binding: BindingChange::Keep, ..end(&sid(1)) }, at(10));
    // It looked at its clock before, and came to the lock after.
    store.enter(&visit(&sid(2)), at(9)).await.unwrap();
    assert_eq!(store.list(9, at(309)).await.unwrap().len(), 2);
    assert_eq!(store.list(9, at(310)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_session_that_was_ended_does_not_count_again_when_its_request_ends() {
    let store = store(100);
    store.enter(&visit(&sid(1)), at(0)).await.unwrap();
    assert_eq!(store.end(&sid(1), at(1)).await, Ok(true));
    store.leave(&end(&sid(1)), at(2));
    assert_eq!(store.list(9, at(2)).await, Ok(Vec::new()));
    assert_eq!(store.count_at(&[A], at(2)).await.unwrap()[&A], 0);
}

#[tokio::test]
async fn even_a_store_for_one_session_works() {
    let store = store(0);
    for number in 0..20 {
        let (own, routing) = (sid(number), sid(100));
        store.enter(&Visit { routing: &routing, ..visit(&own) }, at(0)).await.unwrap();
        let hashes = [1, 2].map(ConversationHash).into_iter().collect();
        let trail = Trail { hashes, known: 1 };
        store.leave(&SessionEnd { routing: &routing, trail: Some(&trail), ..end(&own) }, at(0));
        assert_eq!((store.sessions(), store.conversations()), (1, 1));
    }
}
