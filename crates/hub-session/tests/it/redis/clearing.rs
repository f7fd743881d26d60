//! Clearing what is bound to a provider, also when it is cut short.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use hub_session::{SessionEnd, SessionStore, Trail};
use hub_testkit::{Redis, WireTap};
use hub_types::{KeyId, SessionId};

use super::{all_keys, ask, connect, store, until};
use crate::contract::{A, B, answered, at, hash, visit};

const SESSIONS: u64 = 1200;
const AT_A: u64 = 800;
const AT_B: u64 = 400;

/// Two thirds of the sessions are bound to `A`, the others to `B`; each has two conversation hashes.
async fn fill(store: &dyn SessionStore) {
    let sessions: Vec<_> =
        (0..SESSIONS).map(|number| SessionId::new(KeyId(1), &format!("s{number}"))).collect();
    for some in sessions.chunks(100) {
        for entered in
            join_all(some.iter().map(async |session| store.enter(&visit(session), at(0)).await)).await
        {
            entered.unwrap();
        }
    }
    for (number, session) in (0..).zip(&sessions) {
        let trail = Trail { hashes: [hash(number)].into_iter().collect(), known: 0 };
        let provider = if number % 3 == 0 { B } else { A };
        let answer = Some(hash(SESSIONS + number));
        store.leave(&SessionEnd { trail: Some(&trail), answer, ..answered(session, provider) }, at(0));
        if number % 500 == 0 {
            store.sweep(at(0)).await;
        }
    }
    store.sweep(at(0)).await;
}

#[tokio::test]
async fn dropping_bindings_unbinds_and_leaves_sessions_counting() {
    let redis = Redis::start().await.unwrap();
    let store = store(&redis.url()).await;
    fill(&store).await;
    assert_eq!(store.drop_bindings(A, at(1)).await.unwrap(), AT_A);
    assert_eq!(store.drop_bindings(A, at(1)).await.unwrap(), 0);
    let both = HashSet::from([A, B]);
    assert_eq!(store.survey(&both, &|_| {}).await.unwrap(), [(B, AT_B)].into());
    assert_eq!(store.count_at(&[A, B], at(1)).await.unwrap(), [(A, AT_A), (B, AT_B)].into());
}

async fn conversations(redis: &Redis) -> u64 {
    let keys = all_keys(&*connect(&redis.url()).await).await;
    keys.iter().filter(|key| key.starts_with("hash:")).count() as u64
}

/// Cuts the connection of the clearing three times, wherever `stops` says for a number of conversation hashes,
/// and lets it go on to its end then.
async fn clear_with_cuts(redis: &Redis, stops: impl Fn(u64) -> [u64; 3]) {
    let before = all_keys(&*connect(&redis.url()).await).await.len();
    let tap = WireTap::before(redis.port()).await.unwrap();
    let store = store(&format!("redis://{}", tap.address())).await;
    let providers = HashSet::from([A]);
    for pass in 0..3 {
        let stop = stops(conversations(redis).await)[pass];
        let is_cut = AtomicBool::new(false);
        let cut = |seen| {
            if seen > stop && !is_cut.swap(true, Ordering::SeqCst) {
                tap.hold();
                tap.cut();
            }
        };
        let error = store.clear(&providers, &cut).await.unwrap_err();
        assert!(error.done.sessions.get(&A).is_none_or(|count| *count < AT_A), "{error:?}");
        tap.let_go();
        until("the connection", || async { store.survey(&providers, &|_| {}).await.is_ok() }).await;
        assert!(store.survey(&providers, &|_| {}).await.unwrap()[&A] > 0);
    }
    store.clear(&providers, &|_| {}).await.unwrap();
    assert_eq!(store.survey(&HashSet::from([A, B]), &|_| {}).await.unwrap(), [(B, AT_B)].into());
    assert_eq!(store.count_at(&[A, B], at(1)).await.unwrap(), [(A, 0), (B, AT_B)].into());
    let keys = all_keys(&*connect(&redis.url()).await).await;
    assert_eq!(conversations(redis).await, 2 * AT_B);
    assert_eq!(keys.iter().filter(|key| key.starts_with("session:")).count() as u64, 7 * AT_B);
    assert!(keys.len() < before);
}

#[tokio::test]
async fn clearing_that_is_cut_is_finished_by_doing_it_again() {
    let redis = Redis::start().await.unwrap();
    fill(&store(&redis.url()).await).await;
    // While the provider's set is read, among the conversations, and among the sessions.
    clear_with_cuts(&redis, |hashes| [AT_A / 2, AT_A + hashes / 2, AT_A + hashes + AT_A / 3]).await;
}

#[tokio::test]
async fn bindings_that_the_providers_set_does_not_tell_are_cleared_too() {
    let redis = Redis::start().await.unwrap();
    fill(&store(&redis.url()).await).await;
    ask(&*connect(&redis.url()).await, "DEL", "provider:1:active_sessions").await;
    // In the first pass, among the conversations, and among the sessions.
    clear_with_cuts(&redis, |hashes| [SESSIONS / 2, SESSIONS + hashes / 2, SESSIONS + hashes + SESSIONS / 3])
        .await;
}

#[tokio::test]
async fn a_session_that_comes_back_while_others_are_cleared_is_counted_once_and_stays() {
    let redis = Redis::start().await.unwrap();
    let store = store(&redis.url()).await;
    fill(&store).await;
    let (back, is_back) = (SessionId::new(KeyId(1), "s1"), AtomicBool::new(false));
    let all = AT_A + conversations(&redis).await + AT_A;
    let comes_back = |seen| {
        if seen >= all && !is_back.swap(true, Ordering::SeqCst) {
            store.leave(&answered(&back, A), at(1));
        }
    };
    let providers = HashSet::from([A]);
    let cleared = store.clear(&providers, &comes_back).await.unwrap();
    assert_eq!(cleared.sessions, [(A, AT_A)].into());
    assert_eq!(store.survey(&providers, &|_| {}).await.unwrap(), [(A, 1)].into());
}
