//! Requests in flight, what sessions used, and what people see of them.

use hub_session::{SessionEnd, SessionUsage};
use hub_types::{Dialect, Money};

use super::{A, B, Desk, Subject, USER, answered, at, failed, sid};

pub(crate) async fn requests_are_numbered_and_counted_in_flight<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    for sequence in 1..=3 {
        assert_eq!(desk.enter(&session, 0).await.sequence, sequence);
    }
    assert_eq!(desk.store.find(&session, at(0)).await.unwrap().unwrap().in_flight, 3);
    desk.leave(&answered(&session, A), 1).await;
    desk.leave(&failed(&session), 1).await;
    assert_eq!(desk.store.find(&session, at(1)).await.unwrap().unwrap().in_flight, 1);
    desk.leave(&answered(&session, A), 1).await;
    assert_eq!(desk.store.find(&session, at(1)).await.unwrap().unwrap().in_flight, 0);
    assert_eq!(desk.enter(&session, 2).await.sequence, 4);
    assert_eq!(desk.enter(&sid("two"), 2).await.sequence, 1);
}

pub(crate) async fn usage_adds_up<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    let cost: Money = "0.25".parse().unwrap();
    let usage = SessionUsage { requests: 1, input_tokens: 5_000_000_000, output_tokens: 7, cost };
    for _ in 0..3 {
        desk.enter(&session, 0).await;
        desk.leave(&SessionEnd { usage, ..answered(&session, A) }, 1).await;
    }
    let expected = SessionUsage {
        requests: 3,
        input_tokens: 15_000_000_000,
        output_tokens: 21,
        cost: "0.75".parse().unwrap(),
    };
    assert_eq!(desk.store.find(&session, at(1)).await.unwrap().unwrap().usage, expected);
}

pub(crate) async fn sessions_are_listed_with_the_latest_first<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let sessions: Vec<_> = (0..5).map(|number| sid(&format!("s{number}"))).collect();
    for (second, session) in (0..).zip(&sessions) {
        desk.enter(session, second).await;
    }
    desk.enter(&sessions[0], 10).await;
    let listed = desk.store.list(3, at(11)).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|one| one.session.clone()).collect();
    assert_eq!(ids, [sessions[0].clone(), sessions[4].clone(), sessions[3].clone()]);
    assert_eq!(listed[0].last_seen, at(10));
    assert_eq!(desk.active(11).await.len(), 5);
}

pub(crate) async fn a_session_tells_what_is_known_of_it<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    assert_eq!(desk.store.find(&session, at(0)).await.unwrap(), None);
    desk.enter(&session, 0).await;
    let seen = desk.store.find(&session, at(0)).await.unwrap().unwrap();
    assert_eq!((seen.user, seen.model.as_deref()), (Some(USER), Some("claude-sonnet-4-5")));
    assert_eq!((seen.dialect, seen.started, seen.last_seen), (Some(Dialect::Claude), Some(at(0)), at(0)));
    assert_eq!((seen.provider, seen.is_bound, seen.last_status), (None, false, None));
    desk.leave(&answered(&session, A), 5).await;
    desk.enter(&session, 7).await;
    let seen = desk.store.find(&session, at(7)).await.unwrap().unwrap();
    assert_eq!((seen.provider, seen.is_bound, seen.last_status), (Some(A), true, Some(200)));
    assert_eq!((seen.started, seen.last_seen), (Some(at(0)), at(7)));
    desk.leave(&SessionEnd { provider: Some(B), ..failed(&session) }, 8).await;
    let seen = desk.store.find(&session, at(8)).await.unwrap().unwrap();
    assert_eq!((seen.provider, seen.last_status), (Some(A), Some(503)), "the bound one is told");
    assert_eq!(desk.store.list(9, at(8)).await.unwrap(), [seen]);
}

pub(crate) async fn a_visit_learns_when_its_session_was_last_seen<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("one");
    assert_eq!(desk.enter(&session, 0).await.last_seen, None);
    assert_eq!(desk.enter(&session, 5).await.last_seen, Some(at(0)));
    desk.leave(&answered(&session, A), 9).await;
    assert_eq!(desk.enter(&session, 11).await.last_seen, Some(at(9)));
}
