//! What choosing went by in earlier versions of the catalogue.

use hub_repository::{KEPT_VERSIONS, Repository};
use hub_types::{Multiplier, Provider, ProviderGroup, ProviderShape};

use super::{KEY, Place};
use crate::stock::{at, audit, provider};

async fn edit(repository: &dyn Repository, provider: &mut Provider, change: impl FnOnce(&mut Provider)) {
    let seen = provider.updated_at;
    change(provider);
    provider.updated_at = seen + jiff::SignedDuration::from_secs(1);
    repository.update_provider(provider, seen, audit("provider.update", "provider:1")).await.unwrap();
}

async fn current(repository: &dyn Repository) -> (i64, Vec<ProviderShape>) {
    let catalogue = repository.load_catalogue().await.unwrap();
    (catalogue.version, catalogue.providers.iter().map(ProviderShape::from).collect())
}

pub(super) async fn every_version_of_the_catalogue_can_be_looked_back(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut seen = vec![current(&*repository).await];
    let mut main =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    seen.push(current(&*repository).await);
    let other =
        repository.insert_provider(&provider("other"), audit("provider.create", "provider:")).await.unwrap();
    seen.push(current(&*repository).await);
    edit(&*repository, &mut main, |provider| provider.weight = 7).await;
    seen.push(current(&*repository).await);
    let group =
        ProviderGroup { name: "a".to_owned(), cost_multiplier: Multiplier::ONE, description: String::new() };
    repository.put_provider_group(&group, audit("provider_group.put", "a")).await.unwrap();
    seen.push(current(&*repository).await);
    repository.delete_provider(other.id, at(9), audit("provider.delete", "provider:2")).await.unwrap();
    seen.push(current(&*repository).await);
    edit(&*repository, &mut main, |provider| provider.allowed_models.clear()).await;
    seen.push(current(&*repository).await);
    assert_eq!(seen.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    // Another instance sees the same, and needs no credential for it.
    let another = place.open([1; 32]).await;
    for (version, shapes) in seen {
        let found = another.provider_shapes(version).await.unwrap().unwrap();
        assert_eq!(found, shapes, "version {version}");
    }
    assert_eq!(repository.provider_shapes(7).await.unwrap(), None, "not yet");
    assert_eq!(repository.provider_shapes(-1).await.unwrap(), None);
}

pub(super) async fn edits_that_choosing_does_not_see_leave_no_trace(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut main =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    edit(&*repository, &mut main, |provider| provider.description = "other".to_owned()).await;
    edit(&*repository, &mut main, |provider| provider.credential = hub_types::Secret::new("other")).await;
    repository.bump_generations(&[main.id], at(60), audit("sessions.clear_bindings", "x")).await.unwrap();
    assert_eq!(place.number("SELECT COUNT(*) FROM provider_versions").await, 1);
    assert_eq!(repository.provider_shapes(4).await.unwrap().unwrap(), current(&*repository).await.1);
}

pub(super) async fn what_ended_long_ago_is_forgotten_and_said_to_be(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut main =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    edit(&*repository, &mut main, |provider| provider.weight = 2).await;
    let raise =
        format!("UPDATE change_versions SET version = version + {KEPT_VERSIONS} WHERE topic = 'catalogue'");
    place.run(&raise).await;
    assert!(repository.provider_shapes(2).await.unwrap().is_some());
    assert_eq!(repository.provider_shapes(1).await.unwrap(), None, "it may be forgotten at any time");
    assert_eq!(place.number("SELECT COUNT(*) FROM provider_versions").await, 2);
    edit(&*repository, &mut main, |provider| provider.weight = 3).await;
    assert_eq!(place.number("SELECT COUNT(*) FROM provider_versions").await, 2);
    assert_eq!(repository.provider_shapes(KEPT_VERSIONS + 2).await.unwrap().unwrap()[0].weight, 2);
    assert_eq!(repository.provider_shapes(KEPT_VERSIONS + 3).await.unwrap().unwrap()[0].weight, 3);
}
