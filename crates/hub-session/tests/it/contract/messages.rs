//! The last request and the last answer of a session.

use std::collections::HashSet;
use std::time::Duration;

use hub_session::{Limits, MessagePart, StoredMessages};
use hub_types::SessionId;

use super::{A, Desk, Subject, at, sid};

impl<S: Subject> Desk<S> {
    async fn keep(&self, session: &SessionId, part: MessagePart, body: &'static str, seconds: i64) {
        self.store.keep_messages(session, part, body.into(), at(seconds));
        self.subject.settle().await;
    }

    async fn kept(&self, session: &SessionId, seconds: i64) -> StoredMessages {
        self.store.messages(session, at(seconds)).await.unwrap()
    }
}

pub(crate) async fn the_last_of_each_kind_is_kept<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (one, other) = (sid("one"), sid("other"));
    assert_eq!(desk.kept(&one, 0).await, StoredMessages::default());
    desk.keep(&one, MessagePart::Request, "first", 0).await;
    desk.keep(&one, MessagePart::Request, "second", 1).await;
    desk.keep(&other, MessagePart::Request, "else", 1).await;
    assert_eq!(desk.kept(&one, 2).await, StoredMessages { request: Some("second".into()), response: None });
    desk.keep(&one, MessagePart::Response, "answer", 2).await;
    let both = StoredMessages { request: Some("second".into()), response: Some("answer".into()) };
    assert_eq!(desk.kept(&one, 3).await, both);
}

pub(crate) async fn they_go_with_their_session<S: Subject>() {
    let desk = Desk::<S>::new().await;
    let (ended, cleared) = (sid("ended"), sid("cleared"));
    for session in [&ended, &cleared] {
        desk.talk(session, A, 0).await;
        desk.keep(session, MessagePart::Request, "question", 0).await;
        desk.keep(session, MessagePart::Response, "answer", 0).await;
    }
    assert_eq!(desk.store.end(&ended, at(1)).await, Ok(true));
    desk.subject.settle().await;
    assert_eq!(desk.kept(&ended, 1).await, StoredMessages::default());
    assert!(desk.kept(&cleared, 1).await.request.is_some());
    desk.store.clear(&HashSet::from([A]), &|_| ()).await.unwrap();
    desk.subject.settle().await;
    assert_eq!(desk.kept(&cleared, 1).await, StoredMessages::default());
}

pub(crate) async fn they_expire_with_their_session<S: Subject>() {
    let desk = Desk::<S>::with(Limits { ttl: Duration::from_secs(60), ..Limits::default() }).await;
    if !desk.subject.can_jump() {
        return;
    }
    let session = sid("one");
    desk.keep(&session, MessagePart::Request, "question", 0).await;
    desk.keep(&session, MessagePart::Response, "answer", 30).await;
    let kept = desk.kept(&session, 60).await;
    assert_eq!((kept.request, kept.response), (None, Some("answer".into())));
    assert_eq!(desk.kept(&session, 90).await, StoredMessages::default());
}
