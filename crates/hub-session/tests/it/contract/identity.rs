//! Conversations without an id from the client.

use hub_session::{SessionEnd, branch};
use hub_types::{KeyId, SessionId};

use super::{A, B, Desk, KEY, Subject, answered, at, failed, hash, sid};

pub(crate) async fn an_unknown_conversation_is_nobodys<S: Subject>() {
    let desk = Desk::<S>::new().await;
    assert_eq!(desk.known(&[1, 2, 3], 0).await, None);
    assert_eq!(desk.known(&[], 0).await, None);
}

pub(crate) async fn the_deepest_known_hash_counts<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (session, _) = desk.turn(&[1, 2, 3], A, 0).await;
    for (hashes, depth) in [(&[1, 2, 3][..], 2), (&[1, 2, 9], 1), (&[1, 8, 9], 0), (&[7, 2, 9], 1)] {
        let known = desk.known(hashes, 1).await.unwrap();
        let expected = if depth == 2 { session.clone() } else { branch(&session, hash(hashes[depth])) };
        assert_eq!((known.depth, known.session), (depth, expected), "{hashes:?}");
    }
    assert_eq!(desk.known(&[7, 8, 9], 1).await, None);
}

/// The hub was started again, or the client began with history.
pub(crate) async fn whoever_opens_like_a_conversation_met_later_on_is_a_session_of_its_own<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (first, known) = desk.turn(&[1, 2, 3], A, 0).await;
    assert_eq!((&first, known), (&sid(&hash(3).to_string()), 0));
    let (second, known) = desk.recognised(&[1], 1).await;
    assert_eq!((&second, known), (&branch(&first, hash(1)), 1));
    let present = desk.enter(&second, 1).await;
    assert_eq!((present.bound, present.sequence), (Some(A), 1), "it starts where the prefix is warm");
    desk.finish(&second, &[1], 1, A, 2).await;
    assert_eq!(desk.turn(&[1, 12, 13], A, 3).await, (second.clone(), 1));
    // Whoever differs in the third message only is one of its own, too.
    let (third, known) = desk.recognised(&[1, 2, 23], 4).await;
    assert_eq!((&third, known), (&branch(&first, hash(2)), 2));
    assert_eq!(desk.enter(&third, 4).await.bound, Some(A));
    desk.finish(&third, &[1, 2, 23], 2, A, 4).await;
    for (hashes, session) in [([1, 2, 3], &first), ([1, 12, 13], &second), ([1, 2, 23], &third)] {
        assert_eq!(desk.turn(&hashes, A, 5).await, (session.clone(), 3));
    }
}

pub(crate) async fn what_somebody_opened_meanwhile_stays_theirs<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (late, known) = desk.recognised(&[1, 2, 3], 0).await;
    assert_eq!(known, 0);
    desk.enter(&late, 0).await;
    let (other, _) = desk.turn(&[1], B, 1).await;
    desk.finish(&late, &[1, 2, 3], 0, A, 2).await;
    assert_eq!(desk.known(&[1], 3).await.unwrap().session, other);
    assert_eq!(desk.bound(&branch(&late, hash(1)), 3).await, None, "nothing leads there");
    assert_eq!(desk.bound(&branch(&late, hash(2)), 3).await, Some(A));
    assert_eq!(desk.turn(&[1, 12, 13], B, 4).await, (other, 1));
    assert_eq!(desk.turn(&[1, 2, 3], A, 4).await, (late, 3));
}

pub(crate) async fn a_first_turn_sent_twice_changes_nothing<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (session, _) = desk.recognised(&[1, 2, 3], 0).await;
    for _ in 0..2 {
        desk.enter(&session, 0).await;
    }
    for second in 1..3 {
        desk.finish(&session, &[1, 2, 3], 0, A, second).await;
    }
    assert_eq!(desk.known(&[1, 2, 3], 3).await.unwrap().session, session);
    assert_eq!(desk.known(&[1, 2], 3).await.unwrap().session, branch(&session, hash(2)));
    assert_eq!(desk.known(&[1], 3).await.unwrap().session, branch(&session, hash(1)));
}

pub(crate) async fn hashes_are_never_shared_between_keys<S: Subject>() {
    let desk = Desk::<S>::new().await;
    desk.turn(&[1], A, 0).await;
    let other = desk.store.find_conversation(KeyId(KEY.0 + 1), &[hash(1)], at(1)).await.unwrap();
    assert_eq!(other, None);
}

pub(crate) async fn a_growing_conversation_stays_one_session<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (session, known) = desk.turn(&[1], A, 0).await;
    assert_eq!(known, 0);
    for second in 1..6 {
        let (again, known) = desk.turn(&[1, 2, 3], A, second).await;
        assert_eq!((again, known), (session.clone(), if second == 1 { 1 } else { 3 }));
    }
}

pub(crate) async fn two_conversations_with_the_same_opening_separate<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (first, _) = desk.turn(&[1], A, 0).await;
    let (second, _) = desk.turn(&[1], A, 1).await;
    assert_eq!(first, second, "until they differ, nobody can tell them apart");
    assert_eq!(desk.turn(&[1, 2, 3], A, 2).await.0, first);
    let (second, known) = desk.turn(&[1, 12, 13], A, 3).await;
    assert_eq!((&second, known), (&branch(&first, hash(1)), 1));
    let (third, _) = desk.turn(&[1, 22, 23], A, 4).await;
    assert_eq!(third, branch(&second, hash(1)));
    // And so it stays.
    for second_later in 5..7 {
        assert_eq!(desk.turn(&[1, 2, 3], A, second_later).await, (first.clone(), 3));
        assert_eq!(desk.turn(&[1, 12, 13], A, second_later).await, (second.clone(), 3));
        assert_eq!(desk.turn(&[1, 22, 23], A, second_later).await, (third.clone(), 3));
    }
}

pub(crate) async fn racing_continuations_separate_after_the_next_turn<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (session, _) = desk.turn(&[1], A, 0).await;
    // Both are recognised before either has ended.
    assert_eq!(desk.recognised(&[1, 2, 3], 1).await, (session.clone(), 1));
    assert_eq!(desk.recognised(&[1, 12, 13], 1).await, (session.clone(), 1));
    desk.enter(&session, 1).await;
    desk.enter(&session, 1).await;
    desk.finish(&session, &[1, 2, 3], 1, A, 2).await;
    desk.finish(&session, &[1, 12, 13], 1, A, 2).await;
    let (one, _) = desk.turn(&[1, 2, 3], A, 3).await;
    let (other, known) = desk.turn(&[1, 12, 13], A, 3).await;
    assert_eq!((one, known), (session.clone(), 3));
    assert_eq!(other, branch(&session, hash(13)));
    assert_eq!(desk.bound(&other, 3).await, Some(A));
}

pub(crate) async fn a_turn_sent_twice_changes_nothing<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (session, _) = desk.turn(&[1], A, 0).await;
    assert_eq!(desk.turn(&[1], A, 1).await, (session.clone(), 1));
    desk.turn(&[1, 2, 3], A, 2).await;
    assert_eq!(desk.turn(&[1, 2, 3], A, 3).await, (session.clone(), 3));
    assert_eq!(desk.known(&[1], 4).await.unwrap().session, branch(&session, hash(1)));
}

pub(crate) async fn a_branch_starts_with_the_same_binding<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (session, _) = desk.turn(&[1], A, 0).await;
    desk.turn(&[1, 2, 3], B, 1).await;
    let present = desk.enter(&branch(&session, hash(1)), 2).await;
    assert_eq!((present.bound, present.sequence), (Some(B), 1));
}

pub(crate) async fn an_answer_leads_to_its_session<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session = sid("codex");
    desk.enter(&session, 0).await;
    desk.leave(&SessionEnd { answer: Some(hash(77)), ..answered(&session, A) }, 0).await;
    let known = desk.known(&[77], 1).await.unwrap();
    assert_eq!((known.depth, known.session), (0, session));
}

pub(crate) async fn a_failure_teaches_nothing<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let session: SessionId = sid("x");
    desk.enter(&session, 0).await;
    desk.leave(&failed(&session), 0).await;
    assert_eq!(desk.known(&[1], 1).await, None);
}
