//! Two hubs on a Redis Cluster of three.

use hub_testkit::RedisCluster;
use serde_json::json;

use super::limits::{LIMIT, check, storm};
use super::store::Store;
use super::town::{Request, Town};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_keep_to_their_providers_on_a_cluster() {
    let cluster = RedisCluster::start().await.unwrap();
    let (town, store) = (Town::of(&cluster.url(), 6).await, Store::at(&cluster.url()).await);
    for number in 0..12 {
        let named = Request::named(&format!("s-{number}"));
        let unnamed = Request::turn(&format!("conversation {number}"), 1);
        for request in [named, unnamed] {
            let first = town.served(number % 2, &request).await;
            store.until_bound(first.session(), first.provider()).await;
            let next = town.served((number + 1) % 2, &request).await;
            assert_eq!((next.provider(), next.is_reuse()), (first.provider(), true), "{number}");
            assert_eq!(next.sequence(), Some(2));
        }
    }
    let cleared = town.sites[0].administer(&["clear-bindings", "--type", "claude", "--yes"]).await;
    assert_eq!(cleared.status.code(), Some(0), "{cleared:?}");
    let left = store.keys("*").await;
    assert!(
        left.iter().all(|key| key.ends_with(":active_sessions") || key.starts_with("limit:")),
        "{left:?}"
    );
    for number in 0..12 {
        assert!(!town.served(number % 2, &Request::named(&format!("s-{number}"))).await.is_reuse());
    }
    town.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_on_a_cluster() {
    let cluster = RedisCluster::start().await.unwrap();
    let town = Town::build(&cluster.url(), &[], &[json!({})]).await;
    // The user's limit refuses nobody, but has to be asked, at another node.
    let roomy = json!({"limit_concurrent_sessions": 1000});
    town.admin().patch(&format!("/users/{}", town.user), roomy).await;
    let keys = [town.key(json!({"name": "ci", "limit_concurrent_sessions": LIMIT})).await];
    let answers = storm(&town, &keys).await;
    check(&town, &keys, &answers).await;
    let store = Store::at(&cluster.url()).await;
    assert_eq!(
        store.size(&format!("key:{}:active_sessions", keys[0].id)).await,
        i64::try_from(LIMIT).unwrap()
    );
    assert_eq!(
        store.size(&format!("user:{}:active_sessions", town.user)).await,
        i64::try_from(LIMIT).unwrap()
    );
    town.close().await;
}
