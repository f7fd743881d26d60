//! How many sessions a key and a user have at once.

use hub_session::{Admission, Refused, Scope, Visit};
use hub_types::{KeyId, SessionId, UserId};
use tokio::task::JoinSet;

use super::{A, Desk, Subject, answered, at, sid, some, visit};

/// A hundred new sessions at a time; how many passed.
async fn rush<S: Subject>(key_limit: Option<u32>, user_limit: Option<u32>) -> usize {
    let desk = Desk::<S>::new().await;
    let mut tasks = JoinSet::new();
    for number in 0..100 {
        let store = desk.store.clone();
        tasks.spawn(async move {
            let session = sid(&format!("s{number}"));
            let visit = Visit {
                key_limit: key_limit.and_then(some),
                user_limit: user_limit.and_then(some),
                ..visit(&session)
            };
            matches!(store.enter(&visit, at(0)).await.unwrap(), Admission::Admitted(_))
        });
    }
    let passed = tasks.join_all().await.into_iter().filter(|passed| *passed).count();
    desk.subject.settle().await;
    assert_eq!(desk.active(0).await.len(), passed);
    passed
}

pub(crate) async fn of_parallel_sessions_exactly_the_keys_limit_passes<S: Subject>() {
    assert_eq!(rush::<S>(Some(10), None).await, 10);
}

pub(crate) async fn of_parallel_sessions_exactly_the_users_limit_passes<S: Subject>() {
    assert_eq!(rush::<S>(None, Some(10)).await, 10);
}

pub(crate) async fn of_parallel_sessions_the_lower_of_both_limits_passes<S: Subject>() {
    assert_eq!(rush::<S>(Some(10), Some(20)).await, 10);
    assert_eq!(rush::<S>(Some(20), Some(10)).await, 10);
    assert_eq!(rush::<S>(Some(10), Some(10)).await, 10);
}

fn limited(session: &SessionId, limit: u32) -> Visit<'_> {
    Visit { key_limit: some(limit), ..visit(session) }
}

pub(crate) async fn whoever_counts_is_never_refused<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (first, second) = (sid("first"), sid("second"));
    desk.admitted(&limited(&first, 2), 0).await;
    desk.admitted(&limited(&second, 2), 0).await;
    for limit in [2, 1] {
        let both = Visit { user_limit: some(limit), ..limited(&first, limit) };
        desk.admitted(&both, 1).await;
        desk.refused(&limited(&sid("third"), limit), 1).await;
    }
}

pub(crate) async fn the_keys_limit_is_told_first<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.enter(&sid("one"), 0).await;
    desk.enter(&sid("two"), 5).await;
    let third = sid("three");
    let full = Visit { key_limit: some(2), user_limit: some(1), ..visit(&third) };
    let expected = Refused { scope: Scope::Key, current: 2, limit: 2, free_at: at(300) };
    assert_eq!(desk.refused(&full, 10).await, expected);
    let of_user = Visit { key_limit: some(3), ..full };
    let expected = Refused { scope: Scope::User, current: 2, limit: 1, free_at: at(300) };
    assert_eq!(desk.refused(&of_user, 10).await, expected);
}

pub(crate) async fn a_refusal_leaves_no_trace<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (inside, outside) = (sid("inside"), sid("outside"));
    desk.enter(&inside, 0).await;
    let full = Visit { key_limit: some(5), user_limit: some(1), ..visit(&outside) };
    desk.refused(&full, 1).await;
    assert_eq!(desk.store.find(&outside, at(1)).await.unwrap(), None);
    assert_eq!(desk.active(1).await, std::slice::from_ref(&inside));
    // It took no place at the key, whose limit had one.
    desk.admitted(&Visit { key_limit: some(2), ..visit(&outside) }, 2).await;
    assert_eq!(desk.enter(&outside, 3).await.sequence, 2);
}

pub(crate) async fn a_users_sessions_count_over_all_keys<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, two) = (SessionId::new(KeyId(1), "x"), SessionId::new(KeyId(2), "x"));
    let limits = |session| Visit { key_limit: some(1), user_limit: some(1), ..visit(session) };
    desk.admitted(&limits(&one), 0).await;
    assert_eq!(desk.refused(&limits(&two), 0).await.scope, Scope::User);
    desk.admitted(&Visit { user: UserId(99), ..limits(&two) }, 0).await;
}

pub(crate) async fn sessions_leave_by_themselves<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (early, late, new) = (sid("early"), sid("late"), sid("new"));
    desk.admitted(&limited(&early, 2), 0).await;
    desk.admitted(&limited(&late, 2), 100).await;
    desk.refused(&limited(&new, 2), 299).await;
    desk.admitted(&limited(&new, 2), 301).await;
    desk.refused(&limited(&early, 2), 302).await;
    let mut expected = [late, new];
    expected.sort();
    assert_eq!(desk.active(302).await, expected);
}

pub(crate) async fn the_end_of_a_request_counts_as_seen<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (long, new) = (sid("long"), sid("new"));
    desk.admitted(&limited(&long, 1), 0).await;
    desk.leave(&answered(&long, A), 200).await;
    assert_eq!(desk.refused(&limited(&new, 1), 450).await.free_at, at(500));
    desk.admitted(&limited(&new, 1), 501).await;
}

pub(crate) async fn a_refusal_tells_when_a_place_is_free<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (first, second, third) = (sid("first"), sid("second"), sid("third"));
    desk.enter(&first, 0).await;
    desk.enter(&second, 10).await;
    assert_eq!(desk.refused(&limited(&third, 2), 20).await.free_at, at(300));
    desk.enter(&first, 30).await;
    assert_eq!(desk.refused(&limited(&third, 2), 40).await.free_at, at(310));
}
