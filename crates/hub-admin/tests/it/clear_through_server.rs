//! `clear-bindings` through a running hub.

use std::sync::Arc;
use std::time::Duration;

use hub_redis::{RedisConnection, RedisSettings, RedisUrl};
use hub_session::{Limits, RedisSessionStore, Sessions};
use hub_testkit::{Redis, WireTap};
use serde_json::json;
use tokio::task::JoinSet;

use crate::fixture::Admin;
use crate::redis_keys::{Keys, Seed};
use crate::server::{TOKEN, serve_with};

/// A hub with a provider, whose sessions are in Redis behind a tap.
struct Hub {
    admin: Admin,
    address: String,
    keys: Keys,
    tap: WireTap,
    _redis: Redis,
    _tasks: JoinSet<()>,
}

impl Hub {
    async fn start() -> Self {
        let redis = Redis::start().await.unwrap();
        let tap = WireTap::before(redis.port()).await.unwrap();
        let url = RedisUrl::parse(&format!("redis://{}", tap.address())).unwrap();
        let connection = RedisConnection::connect(&url, RedisSettings::default(), None).await.unwrap();
        let store = RedisSessionStore::new(Arc::new(connection), Limits::default());
        let sessions = Arc::new(Sessions::new(Arc::new(store)));
        let admin = Admin::new().with("ADMIN_TOKEN", TOKEN);
        let (address, tasks) = serve_with(&admin, |management| management.with_sessions(sessions)).await;
        let hub = Self { admin, address, keys: Keys::of(&redis).await, tap, _redis: redis, _tasks: tasks };
        let add = ["providers", "add", "台北", "--url", "https://a.example", "--type", "codex"];
        hub.admin.run(&[&["--server", &hub.address], &add[..]].concat()).ok();
        hub
    }

    fn args<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        [&["--server", &self.address, "clear-bindings"], args].concat()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_hub_counts_and_clears_as_the_stores_do() {
    let hub = Hub::start().await;
    hub.keys.seed(&Seed { key: 1, name: "a", provider: 1 }).await;
    hub.keys.seed(&Seed { key: 1, name: "bc", provider: 5 }).await;
    let before = hub.keys.all().await;
    let row =
        json!({"id": 1, "name": "台北", "type": "codex", "priority": 0, "is_deleted": false, "sessions": 1});
    let report = hub.admin.run(&hub.args(&["--name", "台", "-p", "1", "--dry-run", "--json"])).json();
    assert_eq!(report, json!({"dry_run": true, "providers": [row], "sessions": 1, "conversations": 0}));
    hub.admin.run(&hub.args(&["--id", "1"])).refused(2);
    assert_eq!(hub.keys.all().await, before);
    let said = hub.admin.run(&hub.args(&["--type", "codex", "-y"])).ok();
    assert!(said.contains("Cleared 1 session bindings and 2 conversation hashes."), "{said}");
    assert_eq!(hub.keys.count("session:k1.a:*").await, 0);
    assert_eq!(hub.keys.count("session:k1.bc:*").await, 9);
    let refused = hub.admin.run(&hub.args(&["--name", "", "-y"])).refused(2);
    assert!(refused.contains("name"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_running_hub_could_not_finish_is_told() {
    let hub = Hub::start().await;
    hub.keys.bind_many(3000, 1).await;
    hub.tap.set_delay(Duration::from_millis(40));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| hub.admin.run(&hub.args(&["--id", "1", "-y"])));
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            while runtime.block_on(hub.keys.count("session:*:provider")) == 3000 {
                assert!(!run.is_finished(), "{:?}", run.join());
                std::thread::sleep(Duration::from_millis(2));
            }
            hub.tap.hold();
            let run = run.join().unwrap();
            assert_eq!(run.code, 3, "{run:?}");
            assert!(run.stderr.contains("partly done") && run.stderr.contains("are left"), "{run:?}");
        });
    });
    hub.tap.cut();
    hub.tap.let_go();
    hub.tap.set_delay(Duration::ZERO);
    let mut tries = 0;
    while hub.admin.run(&hub.args(&["--id", "1", "-y"])).code != 0 {
        tries += 1;
        assert!(tries < 20, "it does not finish");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(hub.keys.count("session:*:provider").await, 0);
}
