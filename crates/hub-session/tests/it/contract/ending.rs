//! Sessions that somebody ends.

use std::collections::HashSet;

use hub_session::{BindingChange, SessionEnd, SessionUsage, Visit};
use hub_types::SessionId;

use super::{A, Desk, Subject, answered, at, sid, some, visit};

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

/// Two sessions at `A` with a request under way each: the first is ended, the second cleared.
async fn cut_short<S: Subject>() -> (Desk<S>, [SessionId; 2]) {
    let desk = Desk::<S>::new().await;
    let sessions = ["ended", "cleared"].map(sid);
    for session in &sessions {
        desk.talk(session, A, 0).await;
        desk.enter(session, 1).await;
        assert!(desk.take(session, A, 5, 1).await);
    }
    assert_eq!(desk.store.end(&sessions[0], at(2)).await, Ok(true));
    desk.store.clear(&HashSet::from([A]), &|_| ()).await.unwrap();
    desk.subject.settle().await;
    (desk, sessions)
}

pub(crate) async fn a_request_that_finishes_later_leaves_no_trace<S: Subject>() {
    let (desk, sessions) = cut_short::<S>().await;
    for session in &sessions {
        desk.leave(&SessionEnd { binding: BindingChange::Keep, ..answered(session, A) }, 3).await;
        assert_eq!(desk.store.find(session, at(3)).await.unwrap(), None);
    }
    assert_eq!((desk.active(3).await, desk.count_at(A, 3).await), (vec![], 0));
    let new = sid("new");
    desk.admitted(&Visit { key_limit: some(1), user_limit: some(1), ..visit(&new) }, 3).await;
    for session in &sessions {
        let present = desk.enter(session, 4).await;
        assert_eq!((present.sequence, present.last_seen, present.bound), (1, None, None));
        let found = desk.store.find(session, at(4)).await.unwrap().unwrap();
        assert_eq!((found.usage, found.in_flight, found.last_status), (SessionUsage::default(), 1, None));
        assert_eq!((found.provider, found.started), (None, Some(at(4))));
    }
}

pub(crate) async fn a_request_that_finishes_later_may_bind_and_no_more<S: Subject>() {
    let (desk, sessions) = cut_short::<S>().await;
    for session in &sessions {
        desk.leave(&answered(session, A), 3).await;
        let found = desk.store.find(session, at(3)).await.unwrap().unwrap();
        assert_eq!((found.provider, found.is_bound), (Some(A), true));
        assert_eq!((found.usage, found.in_flight, found.last_status), (SessionUsage::default(), 0, None));
    }
    assert_eq!((desk.active(3).await, desk.count_at(A, 3).await), (vec![], 0));
    assert_eq!(desk.store.drop_bindings(A, at(4)).await, Ok(2));
}
