//! Change notices.

use std::time::Duration;

use hub_repository::{Change, RepositoryError, Topic};
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::timeout;

use super::{KEY, Place};
use crate::stock::{at, audit, provider, user};

pub(super) async fn an_edit_is_told_to_every_instance_within_a_second(place: &dyn Place) {
    let (one, other) = (place.open(KEY).await, place.open(KEY).await);
    let (mut here, mut there) = (one.changes(), other.changes());
    for round in 1..=3 {
        one.insert_provider(&provider(&format!("p{round}")), audit("provider.create", "provider:"))
            .await
            .unwrap();
        let expected = Change { topic: Topic::Catalogue, version: round };
        assert_eq!(here.try_recv().unwrap(), expected, "in its own process at once");
        let told = timeout(Duration::from_secs(1), there.recv()).await.expect("told in time").unwrap();
        assert_eq!(told, expected);
        assert!(other.load_catalogue().await.unwrap().version >= round);
    }
    other.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let told = timeout(Duration::from_secs(1), here.recv()).await.expect("told in time").unwrap();
    assert_eq!(told, Change { topic: Topic::Access, version: 1 });
    assert_eq!(there.try_recv().unwrap(), told);
    // Both know everything now: nothing is told twice.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(matches!(here.try_recv(), Err(TryRecvError::Empty)));
    assert!(matches!(there.try_recv(), Err(TryRecvError::Empty)));
}

pub(super) async fn a_failed_edit_tells_nothing_and_leaves_nothing(place: &dyn Place) {
    let repository = place.open(KEY).await;
    repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let mut changes = repository.changes();
    let duplicate = repository.insert_user(&user("ada"), audit("user.create", "user:")).await;
    assert!(matches!(duplicate, Err(RepositoryError::Duplicate { .. })));
    let mut bad = audit("setting.put", "a");
    bad.after = Some("not json".to_owned());
    repository.put_setting("a", "1", at(0), bad).await.unwrap_err();
    assert!(matches!(changes.try_recv(), Err(TryRecvError::Empty)));
    assert_eq!(
        repository.load_catalogue().await.unwrap().settings,
        [],
        "an edit without its audit entry is none"
    );
    assert_eq!(repository.list_audit(None, 10).await.unwrap().len(), 1);
}
