//! Clearing bindings: labels of providers, and their generations.

use hub_repository::{Change, Page, Repository, RepositoryError, Topic};
use hub_types::{Provider, ProviderId, ProviderType};

use super::{KEY, Place};
use crate::stock::{at, audit, provider};

/// A living provider and a deleted one, both of generation 4.
async fn living_and_dead(repository: &dyn Repository) -> (Provider, Provider) {
    let insert = async |name: &str| {
        repository.insert_provider(&provider(name), audit("provider.create", "provider:")).await.unwrap()
    };
    let (living, dead) = (insert("试 one").await, insert("dead").await);
    repository.delete_provider(dead.id, at(4), audit("provider.delete", "provider:2")).await.unwrap();
    (living, dead)
}

pub(super) async fn labels_cover_the_deleted_page_by_page(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let (living, dead) = living_and_dead(&*repository).await;
    let page =
        async |after: Option<i64>| repository.list_provider_labels(Page { after, limit: 1 }).await.unwrap();
    let first = page(None).await.pop().unwrap();
    assert_eq!((first.id, first.name.as_str(), first.priority), (living.id, "试 one", -3));
    assert_eq!((first.provider_type, first.is_deleted), (ProviderType::OpenAiCompatible, false));
    let second = page(Some(first.id.0)).await.pop().unwrap();
    assert_eq!((second.id, second.name.as_str(), second.is_deleted), (dead.id, "dead", true));
    assert_eq!(page(Some(second.id.0)).await, []);
    // Another key opens no credential, and none is needed here.
    let other = place.open([1; 32]).await;
    assert_eq!(other.list_provider_labels(Page { after: None, limit: 9 }).await.unwrap().len(), 2);
}

pub(super) async fn a_bump_reaches_living_and_deleted_providers_and_is_told(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let (living, dead) = living_and_dead(&*repository).await;
    let mut changes = repository.changes();
    let ids = [dead.id, ProviderId(999), living.id, dead.id];
    let entry = audit("sessions.clear_bindings", "providers");
    let bumped = repository.bump_generations(&ids, at(9), entry).await.unwrap();
    assert_eq!(bumped, [(living.id, 5), (dead.id, 5)]);
    assert_eq!(changes.try_recv().unwrap(), Change { topic: Topic::Catalogue, version: 4 });
    let after = repository.find_provider(living.id).await.unwrap().unwrap();
    assert_eq!((after.generation, after.updated_at), (5, at(9)));
    assert!(repository.find_provider(dead.id).await.unwrap().is_none(), "the dead stay dead");
    let audited = repository.list_audit(None, 1).await.unwrap();
    assert_eq!(audited[0].entry.action, "sessions.clear_bindings");
}

pub(super) async fn an_edit_that_began_before_a_bump_is_a_conflict(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let (before, _) = living_and_dead(&*repository).await;
    // The clock shows the time of the last change still.
    let entry = audit("sessions.clear_bindings", "providers");
    repository.bump_generations(&[before.id], before.updated_at, entry).await.unwrap();
    let late =
        repository.update_provider(&before, before.updated_at, audit("provider.update", "provider:1")).await;
    assert!(matches!(late, Err(RepositoryError::Conflict)), "{late:?}");
}
