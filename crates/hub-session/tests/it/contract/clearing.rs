//! Clearing the bindings to providers.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use hub_session::Visit;
use hub_types::{ProviderId, SessionId};

use super::{A, B, Desk, Subject, at, sid, some, visit};

/// Thirty sessions, bound to A, B and a third provider in turns.
async fn crowd<S: Subject>() -> (Desk<S>, Vec<SessionId>) {
    let desk = Desk::<S>::new().await;
    let sessions: Vec<_> = (0..30).map(|number| sid(&format!("s{number}"))).collect();
    for (number, session) in sessions.iter().enumerate() {
        let provider = [A, B, ProviderId(3)][number % 3];
        desk.enter(session, 0).await;
        assert!(desk.take(session, provider, 50, 0).await);
        desk.leave(&super::answered(session, provider), 0).await;
    }
    (desk, sessions)
}

pub(crate) async fn bindings_are_counted_by_provider<S: Subject>() {
    let (desk, _) = crowd::<S>().await;
    let seen = AtomicU64::new(0);
    let observed = |count| seen.store(count, Ordering::Relaxed);
    let counts = desk.store.survey(&HashSet::from([A, B, ProviderId(9)]), &observed).await.unwrap();
    assert_eq!((counts.get(&A), counts.get(&B), counts.get(&ProviderId(3))), (Some(&10), Some(&10), None));
    assert_eq!(counts.get(&ProviderId(9)).copied().unwrap_or(0), 0);
    assert!(seen.load(Ordering::Relaxed) >= 20, "how far it has come is told");
    assert_eq!(desk.active(1).await.len(), 30, "looking changes nothing");
}

pub(crate) async fn only_sessions_bound_to_the_providers_are_cleared<S: Subject>() {
    let (desk, sessions) = crowd::<S>().await;
    let seen = AtomicU64::new(0);
    let observed = |count| seen.store(count, Ordering::Relaxed);
    let cleared = desk.store.clear(&HashSet::from([A, B]), &observed).await.unwrap();
    assert_eq!(cleared.sessions, HashMap::from([(A, 10), (B, 10)]));
    assert!(seen.load(Ordering::Relaxed) >= 20);
    desk.subject.settle().await;
    for (number, session) in sessions.iter().enumerate() {
        let found = desk.store.find(session, at(1)).await.unwrap();
        assert_eq!(found.is_some(), number % 3 == 2, "{session}");
    }
    assert_eq!(desk.active(1).await.len(), 10);
    let counts =
        [desk.count_at(A, 1).await, desk.count_at(B, 1).await, desk.count_at(ProviderId(3), 1).await];
    assert_eq!(counts, [0, 0, 10]);
    // Their places are free.
    let new = sid("new");
    desk.admitted(&Visit { key_limit: some(11), user_limit: some(11), ..visit(&new) }, 1).await;
}

pub(crate) async fn hashes_that_lead_to_them_are_cleared<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (gone, _) = desk.turn(&[1, 2, 3], A, 0).await;
    let (stays, _) = desk.turn(&[11], B, 0).await;
    assert_ne!(gone, stays);
    let cleared = desk.store.clear(&HashSet::from([A]), &|_| ()).await.unwrap();
    // Itself, and a branch at each of its first two messages.
    assert_eq!((cleared.sessions, cleared.conversations), (HashMap::from([(A, 3)]), 3));
    assert_eq!(desk.known(&[1, 2, 3], 1).await, None);
    assert_eq!(desk.known(&[11], 1).await.unwrap().session, stays);
}

pub(crate) async fn clearing_again_finds_nothing<S: Subject>() {
    let (desk, _) = crowd::<S>().await;
    let providers = HashSet::from([A]);
    desk.store.clear(&providers, &|_| ()).await.unwrap();
    let again = desk.store.clear(&providers, &|_| ()).await.unwrap();
    assert_eq!((again.sessions.values().sum::<u64>(), again.conversations), (0, 0));
    let none = desk.store.clear(&HashSet::new(), &|_| ()).await.unwrap();
    assert_eq!((none.sessions.values().sum::<u64>(), none.conversations), (0, 0));
    assert_eq!(desk.active(1).await.len(), 20);
}

pub(crate) async fn whoever_comes_back_starts_anew<S: Subject>() {
    let (desk, sessions) = crowd::<S>().await;
    desk.store.clear(&HashSet::from([A]), &|_| ()).await.unwrap();
    desk.subject.settle().await;
    let present = desk.enter(&sessions[0], 2).await;
    assert_eq!((present.bound, present.sequence), (None, 1));
    desk.leave(&super::answered(&sessions[0], B), 3).await;
    assert_eq!(desk.bound(&sessions[0], 3).await, Some(B));
}
