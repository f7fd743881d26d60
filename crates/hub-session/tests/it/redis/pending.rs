//! What waits to be written to Redis counts for the next request already.

use std::sync::Arc;

use hub_session::{
    Admission, FallbackSessionStore, Limits, MemorySessionStore, RedisSessionStore, SessionEnd, SessionStore,
    Trail,
};
use hub_testkit::{Redis, WireTap};
use hub_types::ProviderId;
use tokio::task::JoinSet;

use super::connect;
use crate::contract::{A, B, KEY, answered, at, hash, sid, visit};

/// More than the writer sends together: what is offered after them waits until Redis has answered.
const BEFORE: u64 = 200;

/// A store whose queue stands still: Redis hears nothing and says nothing.
async fn held<S>(make: impl FnOnce(RedisSessionStore) -> S) -> (Redis, WireTap, Arc<S>)
where
    S: SessionStore,
{
    let redis = Redis::start().await.unwrap();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let connection = connect(&format!("redis://{}", tap.address())).await;
    let store = make(RedisSessionStore::new(connection, Limits::default()));
    let session = sid("a");
    store.enter(&visit(&session), at(0)).await.unwrap();
    store.sweep(at(0)).await;
    tap.hold();
    for number in 0..BEFORE {
        store.leave(&answered(&sid(&format!("before{number}")), B), at(0));
    }
    (redis, tap, Arc::new(store))
}

/// Asks while the queue stands still; Redis hears the question only then, and so before what waits.
async fn at_once<T: Send + 'static>(tap: &WireTap, question: impl Future<Output = T> + Send + 'static) -> T {
    let mut asked = JoinSet::new();
    asked.spawn(question);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    tap.let_go();
    asked.join_next().await.unwrap().unwrap()
}

async fn bound_at_once<S: SessionStore>(store: &Arc<S>, tap: &WireTap) -> Option<ProviderId> {
    let store = Arc::clone(store);
    let entering = async move { store.enter(&visit(&sid("a")), at(1)).await.unwrap() };
    let Admission::Admitted(present) = at_once(tap, entering).await else { panic!("refused") };
    present.bound
}

async fn a_request_that_comes_at_once_finds_its_binding<S: SessionStore>(
    make: impl FnOnce(RedisSessionStore) -> S,
) {
    let (_redis, tap, store) = held(make).await;
    store.leave(&answered(&sid("a"), A), at(0));
    assert_eq!(bound_at_once(&store, &tap).await, Some(A));
    store.sweep(at(1)).await;
    let found = store.find(&sid("a"), at(1)).await.unwrap().unwrap();
    assert!(found.is_bound, "it is written in the end");
    assert_eq!(bound_at_once(&store, &tap).await, Some(A));
}

#[tokio::test]
async fn a_binding_that_waits_is_found_by_the_next_request() {
    a_request_that_comes_at_once_finds_its_binding(|store| store).await;
}

#[tokio::test]
async fn with_memory_to_fall_back_on_a_binding_that_waits_is_found_too() {
    let both = |store| FallbackSessionStore::new(store, MemorySessionStore::new(Limits::default()));
    a_request_that_comes_at_once_finds_its_binding(both).await;
}

#[tokio::test]
async fn a_conversation_whose_hashes_wait_is_recognised_by_the_next_turn() {
    let (_redis, tap, store) = held(|store| store).await;
    let trail = Trail { hashes: [hash(1), hash(2)].into_iter().collect(), known: 0 };
    let session = sid("a");
    let end = SessionEnd { trail: Some(&trail), answer: Some(hash(9)), ..answered(&session, A) };
    store.leave(&end, at(0));
    for asked in [[hash(1), hash(2)].as_slice(), &[hash(9)]] {
        let (asking, asked) = (Arc::clone(&store), asked.to_vec());
        let known = async move { asking.find_conversation(KEY, &asked, at(1)).await.unwrap() };
        let known = at_once(&tap, known).await;
        assert_eq!(known.map(|known| known.session), Some(sid("a")));
        tap.hold();
    }
    tap.let_go();
}
