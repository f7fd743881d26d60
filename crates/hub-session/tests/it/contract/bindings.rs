//! The table of bindings, row by row.

use hub_session::{BindingChange, SessionEnd, Visit};
use hub_types::ProviderId;

use super::{A, B, Desk, Subject, answered, at, failed, sid, visit};

pub(crate) async fn without_a_binding_whoever_answered_gets_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    assert_eq!(desk.talk(&session, A, 0).await.bound, None);
    assert_eq!(desk.enter(&session, 1).await.bound, Some(A));
    assert_eq!(desk.bound(&session, 1).await, Some(A));
    assert_eq!(desk.enter(&sid("two"), 1).await.bound, None, "it is nobody else's");
}

pub(crate) async fn after_a_failover_the_one_that_answered_gets_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    desk.enter(&session, 0).await;
    assert!(desk.take(&session, A, 5, 0).await);
    desk.store.release_slot(&session, A).await;
    assert!(desk.take(&session, B, 5, 0).await);
    desk.leave(&answered(&session, B), 0).await;
    assert_eq!(desk.enter(&session, 1).await.bound, Some(B));
}

pub(crate) async fn a_better_provider_that_answered_gets_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    desk.talk(&session, B, 0).await;
    assert_eq!(desk.talk(&session, A, 1).await.bound, Some(B));
    assert_eq!(desk.enter(&session, 2).await.bound, Some(A));
}

pub(crate) async fn a_failure_leaves_it_as_it_was<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (bound, free) = (sid("bound"), sid("free"));
    desk.talk(&bound, A, 0).await;
    for session in [&bound, &free] {
        desk.enter(session, 1).await;
        desk.leave(&SessionEnd { provider: Some(B), ..failed(session) }, 1).await;
    }
    assert_eq!(desk.enter(&bound, 2).await.bound, Some(A));
    assert_eq!(desk.enter(&free, 2).await.bound, None);
}

pub(crate) async fn one_that_leads_nowhere_is_forgotten<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    desk.talk(&session, A, 0).await;
    desk.enter(&session, 1).await;
    desk.leave(&SessionEnd { binding: BindingChange::Drop, ..failed(&session) }, 1).await;
    assert_eq!(desk.enter(&session, 2).await.bound, None);
}

pub(crate) async fn it_is_dropped_only_if_it_is_to_that_provider<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    desk.talk(&session, A, 0).await;
    desk.store.drop_binding(&session, B).await;
    desk.subject.settle().await;
    assert_eq!(desk.bound(&session, 1).await, Some(A));
    desk.store.drop_binding(&session, A).await;
    desk.subject.settle().await;
    assert_eq!(desk.bound(&session, 1).await, None);
    desk.store.drop_binding(&sid("nobody"), A).await;
}

pub(crate) async fn all_bindings_to_a_provider_are_dropped<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let sessions: Vec<_> = (0..20).map(|number| sid(&format!("s{number}"))).collect();
    for (number, session) in sessions.iter().enumerate() {
        desk.talk(session, if number % 4 == 0 { B } else { A }, 0).await;
    }
    assert_eq!(desk.store.drop_bindings(A, at(1)).await, Ok(15));
    assert_eq!(desk.store.drop_bindings(A, at(1)).await, Ok(0));
    assert_eq!(desk.store.drop_bindings(ProviderId(9), at(1)).await, Ok(0));
    for (number, session) in sessions.iter().enumerate() {
        assert_eq!(desk.bound(session, 1).await, (number % 4 == 0).then_some(B));
    }
    assert_eq!(desk.active(1).await.len(), 20, "they go on counting");
}

pub(crate) async fn a_pooled_session_lends_its_own<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (own, pooled) = (sid("own"), sid("pooled"));
    let follows = Visit { routing: &pooled, ..visit(&own) };
    assert_eq!(desk.admitted(&follows, 0).await.bound, None);
    desk.leave(&SessionEnd { routing: &pooled, ..answered(&own, A) }, 0).await;
    assert_eq!(desk.admitted(&follows, 1).await.bound, Some(A));
    assert_eq!(desk.enter(&own, 1).await.bound, None);
    assert_eq!(desk.active(1).await, [own], "who only lends its binding doesn't count");
    assert_eq!(desk.enter(&pooled, 2).await.bound, Some(A));
}
