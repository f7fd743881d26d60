//! Providers, groups, prices, settings.

use hub_repository::{Page, RepositoryError};
use hub_types::{Multiplier, PriceRow, PriceSource, Provider, ProviderGroup};

use super::{KEY, Place};
use crate::stock::{CREDENTIAL, PROXY_URL, at, audit, provider};

/// Providers have secrets and therefore no equality of their own.
fn shown(provider: &Provider) -> String {
    format!(
        "{provider:?} {} {:?}",
        provider.credential.expose(),
        provider.proxy_url.as_ref().map(|url| url.expose().to_owned())
    )
}

pub(super) async fn a_provider_comes_back_as_it_was_written(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut main = provider("main");
    let inserted = repository.insert_provider(&main, audit("provider.create", "provider:")).await.unwrap();
    main.id = inserted.id;
    assert_eq!(shown(&inserted), shown(&main));
    let plain = Provider::new(
        main.id,
        "plain",
        "http://upstream.example",
        hub_types::ProviderType::Claude,
        hub_types::Secret::new(""),
    );
    let plain = repository.insert_provider(&plain, audit("provider.create", "provider:")).await.unwrap();
    assert_eq!(shown(&repository.find_provider(plain.id).await.unwrap().unwrap()), shown(&plain));

    let duplicate =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await;
    assert!(matches!(duplicate, Err(RepositoryError::Duplicate { field: "name" })), "{duplicate:?}");
    let mut changed = main.clone();
    changed.proxy_url = None;
    changed.weight = 1000;
    changed.updated_at = at(50);
    repository
        .update_provider(&changed, main.updated_at, audit("provider.update", "provider:1"))
        .await
        .unwrap();
    let late =
        repository.update_provider(&main, main.updated_at, audit("provider.update", "provider:1")).await;
    assert!(matches!(late, Err(RepositoryError::Conflict)), "{late:?}");
    let all = repository.list_providers(Page { after: None, limit: 10 }).await.unwrap();
    assert_eq!(all.iter().map(shown).collect::<Vec<_>>(), [shown(&changed), shown(&plain)]);
    repository.delete_provider(main.id, at(51), audit("provider.delete", "provider:1")).await.unwrap();
    assert!(repository.find_provider(main.id).await.unwrap().is_none());
    repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
}

pub(super) async fn credentials_are_sealed(place: &dyn Place) {
    let repository = place.open(KEY).await;
    repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    let stored = place.stored_bytes().await;
    let has = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("https://upstream.example/base"), "the search finds what is there");
    assert!(!has(CREDENTIAL) && !has(PROXY_URL) && !has("proxy-password"));
}

pub(super) async fn another_master_key_opens_nothing(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let main =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    let other = place.open([1; 32]).await;
    assert!(matches!(other.load_catalogue().await, Err(RepositoryError::Unsealable)));
    assert!(matches!(other.find_provider(main.id).await, Err(RepositoryError::Unsealable)));
    repository.load_catalogue().await.unwrap();
}

pub(super) async fn the_catalogue_holds_everything_living(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let before = repository.load_catalogue().await.unwrap();
    assert_eq!((before.version, before.providers.len()), (0, 0));
    let main =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    let dead =
        repository.insert_provider(&provider("dead"), audit("provider.create", "provider:")).await.unwrap();
    repository.delete_provider(dead.id, at(4), audit("provider.delete", "provider:2")).await.unwrap();
    let mut group = ProviderGroup {
        name: "team-a".to_owned(),
        cost_multiplier: Multiplier::ONE,
        description: String::new(),
    };
    repository.put_provider_group(&group, audit("provider_group.put", "team-a")).await.unwrap();
    group.cost_multiplier = "1.25".parse().unwrap();
    repository.put_provider_group(&group, audit("provider_group.put", "team-a")).await.unwrap();
    let doomed = ProviderGroup { name: "doomed".to_owned(), ..group.clone() };
    repository.put_provider_group(&doomed, audit("provider_group.put", "doomed")).await.unwrap();
    repository.delete_provider_group("doomed", audit("provider_group.delete", "doomed")).await.unwrap();
    let again = repository.delete_provider_group("doomed", audit("provider_group.delete", "doomed")).await;
    assert!(matches!(again, Err(RepositoryError::NotFound)), "{again:?}");
    repository.put_setting("a.b", "{\"c\": 1.0}", at(1), audit("setting.put", "a.b")).await.unwrap();
    repository.put_setting("a.b", "true", at(2), audit("setting.put", "a.b")).await.unwrap();

    let catalogue = repository.load_catalogue().await.unwrap();
    assert_eq!(catalogue.providers.iter().map(shown).collect::<Vec<_>>(), [shown(&main)]);
    assert_eq!(catalogue.groups, [group]);
    assert_eq!(catalogue.settings, [("a.b".to_owned(), "true".to_owned())]);
    assert_eq!(catalogue.version, 9, "each edit that worked raises the version by one");
}

pub(super) async fn prices_raise_their_version_only_when_they_change(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let row = |model: &str, price: &str, source| PriceRow {
        model: model.to_owned(),
        price: price.to_owned(),
        source,
        version: 77,
    };
    let put = |rows: Vec<PriceRow>| {
        let repository = repository.clone();
        async move { repository.put_prices(&rows, at(0), audit("prices.put", "prices")).await.unwrap() }
    };
    put(vec![
        row("m", r#"{"input_cost_per_token": 1e-6}"#, PriceSource::Sync),
        row("m", "{}", PriceSource::Manual),
        row("n", "{}", PriceSource::Sync),
    ])
    .await;
    put(vec![
        row("m", r#"{"input_cost_per_token": 2e-6}"#, PriceSource::Sync),
        row("n", "{}", PriceSource::Sync),
    ])
    .await;
    let mut prices = repository.load_catalogue().await.unwrap().prices;
    prices.sort_by_key(|row| (row.model.clone(), row.source));
    let expected = [
        PriceRow { version: 2, ..row("m", r#"{"input_cost_per_token": 2e-6}"#, PriceSource::Sync) },
        PriceRow { version: 1, ..row("m", "{}", PriceSource::Manual) },
        PriceRow { version: 1, ..row("n", "{}", PriceSource::Sync) },
    ];
    assert_eq!(prices, expected);
}

pub(super) async fn what_is_not_json_is_refused(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let outcome = repository.put_setting("a", "not json", at(1), audit("setting.put", "a")).await;
    let error = outcome.unwrap_err();
    assert!(
        matches!(error, RepositoryError::Database(_)) && !error.to_string().contains("not json"),
        "{error}"
    );
    assert_eq!(repository.load_catalogue().await.unwrap().settings, []);
}
