//! Sessions that somebody ends.

use hub_session::Visit;

use super::{A, Desk, Subject, at, sid, some, visit};

pub(crate) async fn an_ended_session_is_gone<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (ended, other) = (sid("ended"), sid("other"));
    desk.talk(&ended, A, 0).await;
    desk.talk(&other, A, 0).await;
    assert_eq!(desk.store.end(&ended, at(1)).await, Ok(true));
    desk.subject.settle().await;
    assert_eq!(desk.store.find(&ended, at(1)).await.unwrap(), None);
    assert_eq!(desk.active(1).await, std::slice::from_ref(&other));
    assert_eq!(desk.bound(&other, 1).await, Some(A));
    let present = desk.enter(&ended, 2).await;
    assert_eq!((present.bound, present.last_seen, present.sequence), (None, None, 1));
}

pub(crate) async fn ending_frees_its_places<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (ended, other) = (sid("ended"), sid("other"));
    let full = |session| Visit { key_limit: some(1), user_limit: some(1), ..visit(session) };
    desk.admitted(&full(&ended), 0).await;
    assert!(desk.take(&ended, A, 1, 0).await);
    desk.refused(&full(&other), 1).await;
    assert_eq!(desk.store.end(&ended, at(1)).await, Ok(true));
    desk.subject.settle().await;
    assert_eq!(desk.count_at(A, 1).await, 0);
    desk.admitted(&full(&other), 2).await;
    assert!(desk.take(&other, A, 1, 2).await);
}

pub(crate) async fn there_is_nothing_to_end_twice<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    assert_eq!(desk.store.end(&session, at(0)).await, Ok(false));
    desk.talk(&session, A, 0).await;
    assert_eq!(desk.store.end(&session, at(1)).await, Ok(true));
    desk.subject.settle().await;
    assert_eq!(desk.store.end(&session, at(1)).await, Ok(false));
}
