//! What expires by the time given. Stores with a clock of their own pass by these cases.

use std::time::Duration;

use hub_session::{Limits, SessionEnd};

use super::{A, Desk, Subject, answered, at, sid};

pub(crate) async fn a_binding_ends_with_its_time<S: Subject>() {
    let desk = Desk::<S>::new().await;
    if !desk.subject.can_jump() {
        return;
    }
    let session = sid("one");
    desk.talk(&session, A, 0).await;
    assert_eq!(desk.bound(&session, 299).await, Some(A));
    assert_eq!(desk.bound(&session, 300).await, None);
    assert_eq!(desk.enter(&session, 301).await.bound, None);
}

pub(crate) async fn use_prolongs_a_binding_by_its_own_time<S: Subject>() {
    let desk = Desk::<S>::new().await;
    if !desk.subject.can_jump() {
        return;
    }
    let session = sid("one");
    desk.enter(&session, 0).await;
    let binding_ttl = Duration::from_secs(1000);
    desk.leave(&SessionEnd { binding_ttl, ..answered(&session, A) }, 0).await;
    assert_eq!(desk.enter(&session, 900).await.bound, Some(A));
    assert_eq!(desk.store.list(9, at(1500)).await.unwrap(), [], "bound, but no longer active");
    assert_eq!(desk.enter(&session, 1899).await.bound, Some(A));
    assert_eq!(desk.enter(&session, 2899).await.bound, None);
}

pub(crate) async fn a_hash_ends_with_its_time<S: Subject>() {
    let desk = Desk::<S>::new().await;
    if !desk.subject.can_jump() {
        return;
    }
    desk.turn(&[1], A, 0).await;
    assert!(desk.known(&[1], 3000).await.is_some());
    assert!(desk.known(&[1], 3600).await.is_none());
}

pub(crate) async fn a_hash_is_renewed_when_little_is_left<S: Subject>() {
    let limits = Limits { renew_threshold: Duration::from_secs(100), ..Limits::default() };
    let desk = Desk::<S>::with(limits).await;
    if !desk.subject.can_jump() {
        return;
    }
    desk.turn(&[1], A, 0).await;
    desk.turn(&[2], A, 0).await;
    assert!(desk.known(&[1], 3499).await.is_some(), "too early to renew it");
    assert!(desk.known(&[2], 3501).await.is_some());
    assert!(desk.known(&[1], 3601).await.is_none());
    assert!(desk.known(&[2], 3501 + 3599).await.is_some());
}
