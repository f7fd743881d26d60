//! What things are called.

use std::collections::BTreeSet;

use hub_repository::{KeyName, Names, NamesWanted};
use hub_types::{KeyId, ProviderId, UserId};

use super::{KEY, Place};
use crate::stock::{at, audit, key, provider, user};

pub(super) async fn users_keys_and_providers_are_named_even_when_deleted(place: &dyn Place) {
    let repository = place.open(KEY).await;
    assert_eq!(repository.find_names(&NamesWanted::default()).await.unwrap(), Names::default());
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let laptop =
        repository.insert_key(&key(ada.id, "laptop", "one"), audit("key.create", "key:")).await.unwrap();
    let main =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    let wanted = NamesWanted {
        users: BTreeSet::from([ada.id, UserId(900)]),
        keys: BTreeSet::from([laptop.id, KeyId(900)]),
        providers: BTreeSet::from([main.id, ProviderId(900)]),
    };
    let expected = Names {
        users: [(ada.id, "ada".to_owned())].into(),
        keys: [(
            laptop.id,
            KeyName { name: "laptop".to_owned(), user_id: ada.id, user_name: "ada".to_owned() },
        )]
        .into(),
        providers: [(main.id, "main".to_owned())].into(),
    };
    assert_eq!(repository.find_names(&wanted).await.unwrap(), expected);
    repository.delete_user(ada.id, at(9), audit("user.delete", "user:1")).await.unwrap();
    repository.delete_provider(main.id, at(9), audit("provider.delete", "provider:1")).await.unwrap();
    assert_eq!(repository.find_names(&wanted).await.unwrap(), expected);
}

pub(super) async fn many_names_are_found_at_once(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut users = BTreeSet::new();
    for n in 0..5 {
        let user = repository.insert_user(&user(&format!("user {n}")), audit("user.create", "user:")).await;
        users.insert(user.unwrap().id);
    }
    let strangers = (1_000..1_600).map(UserId);
    let wanted =
        NamesWanted { users: users.iter().copied().chain(strangers).collect(), ..NamesWanted::default() };
    let names = repository.find_names(&wanted).await.unwrap();
    assert_eq!(names.users.keys().copied().collect::<BTreeSet<_>>(), users);
}
