//! Logins, the audit log, and what the database says of itself.

use hub_repository::LoginSession;
use hub_types::Role;

use super::{KEY, Place};
use crate::stock::{at, audit, user};

pub(super) async fn logins_live_until_they_expire_or_end(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let login = |token_hash: &str, seconds| LoginSession {
        token_hash: token_hash.to_owned(),
        csrf_token: "csrf".to_owned(),
        user_id: Some(ada.id),
        role: Role::Admin,
        expires_at: at(seconds),
    };
    let (short, long) = (login("short", 10), login("long", 100));
    let token = LoginSession { user_id: None, ..login("token", 100) };
    for login in [&short, &long, &token] {
        repository.insert_login(login).await.unwrap();
    }
    assert_eq!(repository.find_login("short", at(9)).await.unwrap(), Some(short));
    assert_eq!(repository.find_login("short", at(10)).await.unwrap(), None);
    assert_eq!(repository.find_login("nobody", at(0)).await.unwrap(), None);
    repository.delete_login("long", at(50)).await.unwrap();
    assert_eq!(repository.find_login("long", at(0)).await.unwrap(), None);
    assert_eq!(
        repository.find_login("short", at(0)).await.unwrap(),
        None,
        "what expired is removed on the way"
    );
    assert_eq!(repository.find_login("token", at(0)).await.unwrap(), Some(token));
}

pub(super) async fn the_audit_log_names_new_rows_and_is_read_backwards(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let mut failed = audit("login", "");
    failed.success = false;
    failed.after = None;
    failed.address = None;
    repository.append_audit(failed.clone()).await.unwrap();
    repository.append_audit(audit("third", "x")).await.unwrap();
    let all = repository.list_audit(None, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|row| row.entry.action.as_str()).collect::<Vec<_>>(),
        ["third", "login", "user.create"]
    );
    assert_eq!(all[1].entry, failed);
    assert_eq!(all[2].entry.target, format!("user:{}", ada.id));
    assert_eq!(all[2].entry.after.as_deref(), Some(r#"{"a":1}"#));
    assert_eq!(repository.list_audit(Some(all[0].id), 1).await.unwrap(), [all[1].clone()]);
}

pub(super) async fn the_database_says_what_it_is(place: &dyn Place) {
    let repository = place.open(KEY).await;
    repository.ping().await.unwrap();
    let version = repository.version().await.unwrap();
    assert!(version.starts_with("SQLite 3.") || version.starts_with("PostgreSQL 1"), "{version}");
    assert_eq!(repository.schema_version().await.unwrap(), 3);
}
