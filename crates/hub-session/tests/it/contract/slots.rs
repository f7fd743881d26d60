//! How many sessions a provider has at once.

use tokio::task::JoinSet;

use super::{A, B, Desk, Subject, answered, at, sid, some};

pub(crate) async fn of_parallel_sessions_exactly_the_providers_limit_passes<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let store = desk.store.clone();
        tasks.spawn(async move {
            let session = sid(&format!("s{number}"));
            store.enter(&super::visit(&session), at(0)).await.unwrap();
            store.take_slot(&session, A, some(10), at(0)).await.unwrap()
        });
    }
    let passed = tasks.join_all().await.into_iter().filter(|passed| *passed).count();
    desk.subject.settle().await;
    assert_eq!((passed, desk.count_at(A, 0).await), (10, 10));
}

pub(crate) async fn whoever_has_one_keeps_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, two) = (sid("one"), sid("two"));
    for session in [&one, &two] {
        desk.enter(session, 0).await;
    }
    assert!(desk.take(&one, A, 1, 0).await);
    assert!(!desk.take(&two, A, 1, 0).await);
    assert!(desk.take(&one, A, 1, 1).await);
    assert!(desk.take(&two, B, 1, 1).await, "another provider has room");
    assert_eq!((desk.count_at(A, 1).await, desk.count_at(B, 1).await), (1, 1));
}

pub(crate) async fn a_slot_given_back_is_free<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, two) = (sid("one"), sid("two"));
    for session in [&one, &two] {
        desk.enter(session, 0).await;
    }
    assert!(desk.take(&one, A, 1, 0).await);
    desk.store.release_slot(&one, A).await;
    desk.store.release_slot(&one, A).await;
    desk.store.release_slot(&sid("nobody"), A).await;
    desk.subject.settle().await;
    assert_eq!(desk.count_at(A, 0).await, 0);
    assert!(desk.take(&two, A, 1, 0).await);
    assert!(!desk.take(&one, A, 1, 0).await);
}

pub(crate) async fn slots_are_free_again_after_their_time<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (moved, other) = (sid("moved"), sid("other"));
    desk.enter(&moved, 0).await;
    assert!(desk.take(&moved, A, 1, 0).await);
    // It goes on at another provider, so that it counts itself, but no longer there.
    desk.enter(&moved, 200).await;
    assert!(desk.take(&moved, B, 1, 200).await);
    desk.enter(&other, 250).await;
    assert!(!desk.take(&other, A, 1, 250).await);
    assert!(desk.take(&other, A, 1, 301).await);
    assert!(!desk.take(&moved, A, 1, 302).await);
    assert_eq!((desk.count_at(A, 302).await, desk.count_at(B, 302).await), (1, 1));
    assert_eq!((desk.count_at(A, 601).await, desk.count_at(B, 601).await), (0, 0));
}

pub(crate) async fn the_end_of_a_request_keeps_the_slot<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, two) = (sid("one"), sid("two"));
    desk.enter(&one, 0).await;
    assert!(desk.take(&one, A, 1, 0).await);
    desk.leave(&answered(&one, A), 200).await;
    desk.enter(&two, 450).await;
    assert!(!desk.take(&two, A, 1, 450).await);
    assert!(desk.take(&two, A, 1, 501).await);
}

pub(crate) async fn a_refused_slot_leaves_no_trace<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, two) = (sid("one"), sid("two"));
    for session in [&one, &two] {
        desk.enter(session, 0).await;
    }
    assert!(desk.take(&one, A, 1, 0).await);
    assert!(!desk.take(&two, A, 1, 1).await);
    assert_eq!(desk.count_at(A, 1).await, 1);
    assert!(!desk.take(&two, A, 1, 2).await, "being refused counts nobody in");
}

pub(crate) async fn without_a_limit_it_is_counted_all_the_same<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, two) = (sid("one"), sid("two"));
    for session in [&one, &two] {
        desk.enter(session, 0).await;
    }
    assert_eq!(desk.store.take_slot(&one, A, None, at(0)).await, Ok(true));
    desk.subject.settle().await;
    assert_eq!(desk.count_at(A, 0).await, 1);
    assert!(!desk.take(&two, A, 1, 0).await);
    let counts = desk.store.count_at(&[A, B], at(0)).await.unwrap();
    assert_eq!((counts.get(&A).copied(), counts.get(&B).copied().unwrap_or(0)), (Some(1), 0));
}
