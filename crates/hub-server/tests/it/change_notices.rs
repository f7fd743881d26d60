//! Edits made elsewhere take effect here within a second: by another hub on the same PostgreSQL database, and
//! by another program on the same SQLite file.

use std::time::Duration;

use hub_lab::{Lab, LabConfig};
use hub_repository::{AuditEntry, Repository, Sealer, SqliteRepository, SqliteSettings};
use hub_testkit::Postgres;
use hub_types::{Clock as _, KeyId, ProviderId, SystemClock};
use serde_json::json;

use crate::harness::{Admin, Connection, Hub, MASTER_KEY, Site, eventually};

const WITHIN: Duration = Duration::from_secs(1);

/// Asks on one connection after another until the answer has this status.
async fn until_status(hub: &Hub, key: &str, expected: u16, what: &str) {
    let ask = async || (status(hub, key).await == expected).then_some(());
    let ((), took) = eventually(what, WITHIN, ask).await;
    println!("{what}: {} ms", took.as_millis());
}

async fn status(hub: &Hub, key: &str) -> u16 {
    let mut connection = Connection::open(hub.address).await.unwrap();
    let headers = format!("x-api-key: {key}\r\nconnection: close\r\n");
    let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "?"}]});
    connection.send("POST", "/v1/messages", &headers, &body.to_string()).await.unwrap();
    connection.read().await.unwrap().status
}

/// Asks until the answer comes from this provider.
async fn until_served_by(lab: &Lab, hub: &Hub, key: &str, what: &str) {
    let before = lab.witness().totals().answered;
    let ask = async || {
        assert_eq!(status(hub, key).await, 200, "there is always a provider");
        (lab.witness().totals().answered > before).then_some(())
    };
    let ((), took) = eventually(what, WITHIN, ask).await;
    println!("{what}: {} ms", took.as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_through_one_hub_take_effect_on_the_other() {
    let database = Postgres::shared().await.unwrap().fresh_database().await.unwrap();
    let (one, other) = (Site::on(&database.dsn), Site::on(&database.dsn));
    let first = Lab::start(LabConfig::default()).await.unwrap();
    let second = Lab::start(LabConfig::default()).await.unwrap();
    let seeded = one.furnish(&first.url()).await;
    let (edited, serving) = (one.start().await, other.start().await);
    let admin = Admin(edited.address);
    // Known and cached from here on.
    assert_eq!(status(&serving, &seeded.key).await, 200);

    let key = format!("/keys/{}", seeded.key_id);
    admin.patch(&key, json!({"is_enabled": false})).await;
    until_status(&serving, &seeded.key, 403, "a key is disabled on the other hub").await;
    admin.patch(&key, json!({"is_enabled": true})).await;
    until_status(&serving, &seeded.key, 200, "a key is enabled on the other hub").await;

    let provider = format!("/providers/{}", seeded.provider_id);
    admin.patch(&provider, json!({"url": second.url()})).await;
    until_served_by(&second, &serving, &seeded.key, "a provider has moved for the other hub").await;
    admin.patch(&provider, json!({"is_enabled": false})).await;
    until_status(&serving, &seeded.key, 503, "a provider is disabled on the other hub").await;

    // One that was made a moment ago.
    let user = admin.post("/users", json!({"name": "grace"})).await["id"].as_i64().unwrap();
    let made = admin.post(&format!("/users/{user}/keys"), json!({"name": "desk"})).await;
    admin.patch(&provider, json!({"is_enabled": true})).await;
    until_status(&serving, made["key"].as_str().unwrap(), 200, "a new key is known to the other hub").await;
    edited.stop().await;
    serving.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_in_force_when_the_hub_that_made_it_answers() {
    let site = Site::embedded();
    let lab = Lab::start(LabConfig::default()).await.unwrap();
    let hub = site.start().await;
    let admin = Admin(hub.address);
    let seeded = admin.seed(&lab.url()).await;
    assert_eq!(status(&hub, &seeded.key).await, 200, "the provider was made a moment ago");
    let key = format!("/keys/{}", seeded.key_id);
    let provider = format!("/providers/{}", seeded.provider_id);
    for _ in 0..10 {
        for (path, closed) in [(&key, 403), (&provider, 503)] {
            for (is_enabled, expected) in [(false, closed), (true, 200)] {
                admin.patch(path, json!({"is_enabled": is_enabled})).await;
                assert_eq!(status(&hub, &seeded.key).await, expected, "{path} {is_enabled}");
            }
        }
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_the_sqlite_file_by_another_program_take_effect() {
    let site = Site::embedded();
    let first = Lab::start(LabConfig::default()).await.unwrap();
    let second = Lab::start(LabConfig::default()).await.unwrap();
    let seeded = site.furnish(&first.url()).await;
    let hub = site.start().await;
    assert_eq!(status(&hub, &seeded.key).await, 200);
    let settings = SqliteSettings::new(site.data_dir().join("hub.db"), Sealer::new(MASTER_KEY));
    let other_program = SqliteRepository::open(settings).await.unwrap();
    let audit = || AuditEntry {
        at: SystemClock.now(),
        actor: "cli".to_owned(),
        action: "test.edit".to_owned(),
        target: "test".to_owned(),
        before: None,
        after: None,
        address: None,
        success: true,
    };

    let mut key = other_program.find_key(KeyId(seeded.key_id)).await.unwrap().unwrap();
    for (is_enabled, expected) in [(false, 403), (true, 200)] {
        let seen = key.updated_at;
        key.is_enabled = is_enabled;
        key.updated_at = SystemClock.now();
        other_program.update_key(&key, seen, audit()).await.unwrap();
        until_status(&hub, &seeded.key, expected, "a key is switched in the file").await;
        key = other_program.find_key(key.id).await.unwrap().unwrap();
    }
    let mut provider = other_program.find_provider(ProviderId(seeded.provider_id)).await.unwrap().unwrap();
    let seen = provider.updated_at;
    provider.url = second.url();
    provider.updated_at = SystemClock.now();
    other_program.update_provider(&provider, seen, audit()).await.unwrap();
    until_served_by(&second, &hub, &seeded.key, "a provider has moved in the file").await;
    other_program.close().await;
    hub.stop().await;
}
