//! Users and keys.

use hub_repository::{Page, RepositoryError};
use hub_types::{KeyHash, KeyId, UserId};

use super::{KEY, Place};
use crate::stock::{at, audit, key, user};

const FIRST: Page = Page { after: None, limit: 100 };

pub(super) async fn a_user_comes_back_as_it_was_written(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut ada = user("ada");
    let inserted = repository.insert_user(&ada, audit("user.create", "user:")).await.unwrap();
    ada.id = inserted.id;
    assert_eq!(inserted, ada);
    assert_eq!(repository.find_user(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(repository.list_users(FIRST).await.unwrap(), [ada]);
    assert_eq!(repository.find_user(UserId(999)).await.unwrap(), None);
}

pub(super) async fn names_are_unique_among_the_living_only(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let first = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let second = repository.insert_user(&user("ada"), audit("user.create", "user:")).await;
    assert!(matches!(second, Err(RepositoryError::Duplicate { field: "name" })), "{second:?}");
    repository.delete_user(first.id, at(9), audit("user.delete", "user:1")).await.unwrap();
    let second = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    assert_ne!(first.id, second.id);

    let bob = repository.insert_user(&user("bob"), audit("user.create", "user:")).await.unwrap();
    let mut renamed = bob.clone();
    renamed.name = "ada".to_owned();
    let outcome = repository.update_user(&renamed, bob.updated_at, audit("user.update", "user:2")).await;
    assert!(matches!(outcome, Err(RepositoryError::Duplicate { field: "name" })), "{outcome:?}");

    let laptop = key(bob.id, "laptop", "one");
    repository.insert_key(&laptop, audit("key.create", "key:")).await.unwrap();
    let again = repository.insert_key(&key(bob.id, "laptop", "two"), audit("key.create", "key:")).await;
    assert!(matches!(again, Err(RepositoryError::Duplicate { field: "name" })), "{again:?}");
    let same_hash = repository.insert_key(&key(bob.id, "desk", "one"), audit("key.create", "key:")).await;
    assert!(matches!(same_hash, Err(RepositoryError::Duplicate { field: "key_hash" })), "{same_hash:?}");
    repository.insert_key(&key(second.id, "laptop", "three"), audit("key.create", "key:")).await.unwrap();
}

pub(super) async fn an_update_of_what_somebody_else_changed_is_a_conflict(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let seen = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let mut mine = seen.clone();
    mine.description = "mine".to_owned();
    mine.limits.limit_daily_usd = None;
    mine.updated_at = at(5);
    repository.update_user(&mine, seen.updated_at, audit("user.update", "user:1")).await.unwrap();
    let late = repository.update_user(&seen, seen.updated_at, audit("user.update", "user:1")).await;
    assert!(matches!(late, Err(RepositoryError::Conflict)), "{late:?}");
    assert_eq!(repository.find_user(seen.id).await.unwrap(), Some(mine.clone()));

    repository.delete_user(seen.id, at(6), audit("user.delete", "user:1")).await.unwrap();
    let dead = repository.update_user(&mine, at(6), audit("user.update", "user:1")).await;
    assert!(matches!(dead, Err(RepositoryError::NotFound)), "{dead:?}");
    let again = repository.delete_user(seen.id, at(7), audit("user.delete", "user:1")).await;
    assert!(matches!(again, Err(RepositoryError::NotFound)), "{again:?}");
}

pub(super) async fn a_deleted_user_takes_the_keys_along(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let kept = repository.insert_user(&user("bob"), audit("user.create", "user:")).await.unwrap();
    let laptop =
        repository.insert_key(&key(ada.id, "laptop", "one"), audit("key.create", "key:")).await.unwrap();
    let other =
        repository.insert_key(&key(kept.id, "laptop", "two"), audit("key.create", "key:")).await.unwrap();
    repository.delete_user(ada.id, at(9), audit("user.delete", "user:1")).await.unwrap();
    assert_eq!(repository.find_key(laptop.id).await.unwrap(), None);
    assert_eq!(repository.find_caller(&KeyHash::of("one")).await.unwrap(), None);
    assert_eq!(repository.list_keys(None, FIRST).await.unwrap(), [other]);
    let orphan = repository.delete_key(laptop.id, at(10), audit("key.delete", "key:1")).await;
    assert!(matches!(orphan, Err(RepositoryError::NotFound)), "{orphan:?}");
}

pub(super) async fn a_caller_is_found_by_the_hash_of_the_credential(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let laptop =
        repository.insert_key(&key(ada.id, "laptop", "one"), audit("key.create", "key:")).await.unwrap();
    let caller = repository.find_caller(&KeyHash::of("one")).await.unwrap().unwrap();
    assert_eq!((caller.key, caller.user), (laptop.clone(), ada));
    assert_eq!(repository.find_caller(&KeyHash::of("two")).await.unwrap(), None);

    let mut rotated = laptop.clone();
    rotated.key_hash = KeyHash::of("two");
    rotated.key_last4 = "xtwo".to_owned();
    rotated.updated_at = at(8);
    repository.update_key(&rotated, laptop.updated_at, audit("key.rotate", "key:1")).await.unwrap();
    assert_eq!(repository.find_caller(&KeyHash::of("one")).await.unwrap(), None);
    assert_eq!(repository.find_caller(&KeyHash::of("two")).await.unwrap().unwrap().key, rotated);
    repository.delete_key(laptop.id, at(9), audit("key.delete", "key:1")).await.unwrap();
    assert_eq!(repository.find_caller(&KeyHash::of("two")).await.unwrap(), None);
}

pub(super) async fn only_the_hash_of_a_key_is_kept(place: &dyn Place) {
    let credential = "cch_0123456789abcdefghijklmnopqrstuvwxyzABCD";
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    repository.insert_key(&key(ada.id, "laptop", credential), audit("key.create", "key:")).await.unwrap();
    let stored = place.stored_bytes().await;
    let has = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has(&KeyHash::of(credential).to_hex()), "the search finds what is there");
    assert!(!has(&credential[4..]));
}

pub(super) async fn keys_are_listed_by_user_and_page_by_page(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let mut expected = Vec::new();
    for name in ["ada", "bob"] {
        let owner = repository.insert_user(&user(name), audit("user.create", "user:")).await.unwrap();
        for number in 0..5 {
            let one = key(owner.id, &format!("key-{number}"), &format!("{name}-{number}"));
            expected.push(repository.insert_key(&one, audit("key.create", "key:")).await.unwrap());
        }
    }
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = repository.list_keys(None, Page { after, limit: 3 }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id.0);
        assert!(page.len() <= 3);
        all.extend(page);
    }
    assert_eq!(all, expected);
    let bobs = repository.list_keys(Some(expected[5].user_id), FIRST).await.unwrap();
    assert_eq!(bobs, expected[5..]);
}

pub(super) async fn the_last_use_of_a_key_never_goes_back(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let laptop =
        repository.insert_key(&key(ada.id, "laptop", "one"), audit("key.create", "key:")).await.unwrap();
    repository.touch_keys(&[]).await.unwrap();
    repository.touch_keys(&[(laptop.id, at(60)), (KeyId(999), at(60))]).await.unwrap();
    repository.touch_keys(&[(laptop.id, at(30))]).await.unwrap();
    let touched = repository.find_key(laptop.id).await.unwrap().unwrap();
    assert_eq!((touched.last_used_at, touched.updated_at), (Some(at(60)), laptop.updated_at));
}

pub(super) async fn a_key_needs_a_living_user(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    repository.delete_user(ada.id, at(9), audit("user.delete", "user:1")).await.unwrap();
    for id in [ada.id, UserId(999)] {
        let outcome = repository.insert_key(&key(id, "laptop", "one"), audit("key.create", "key:")).await;
        assert!(matches!(outcome, Err(RepositoryError::NotFound)), "{outcome:?}");
    }
}
