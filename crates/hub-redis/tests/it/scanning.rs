//! Scanning: all keys, page by page, as fast as the caller wants them.

use std::time::Duration;

use futures_util::StreamExt;
use hub_redis::{Batch, RedisError};
use hub_testkit::Redis;

use crate::support::{LONG, connect_to, fill, good, scanned, silent, tapped};

#[tokio::test]
async fn a_page_is_asked_for_only_when_the_caller_wants_it_and_none_is_missing() {
    let (_redis, tap, connection) = tapped().await;
    fill(&connection, "wanted:", 20_000).await;
    fill(&connection, "other:", 500).await;
    let before = tap.round_trips();
    let mut pages = connection.scan("wanted:*", 2_000);
    let (mut keys, mut count) = (Vec::new(), 0);
    while let Some(page) = pages.next().await {
        keys.extend(page.unwrap());
        count += 1;
        // Whoever reads ahead would do so now.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(tap.round_trips() - before, count);
    }
    assert!(count >= 10, "{count} pages");
    assert!(keys.iter().all(|key| key.starts_with("wanted:")));
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 20_000);
}

#[tokio::test]
async fn keys_that_are_no_text_are_left_out_and_pages_without_keys_too() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), silent()).await;
    assert_eq!(connection.scan("*", 100).count().await, 0);
    fill(&connection, "other:", 3_000).await;
    fill(&connection, "wanted:", 3).await;
    let mut rename = Batch::new();
    rename.command("RENAME", "wanted:2", [(&b"wanted:\xff"[..]).into()]);
    good(connection.run(rename).await.unwrap());
    assert!(connection.scan("wanted:*", 100).count().await <= 2);
    assert_eq!(scanned(&connection, "wanted:*", 100).await, ["wanted:0", "wanted:1"]);
}

#[tokio::test]
async fn a_server_that_goes_away_ends_the_scan_with_its_error() {
    let redis = Redis::start().await.unwrap();
    let connection = connect_to(&redis.url(), silent()).await;
    fill(&connection, "key:", 5_000).await;
    let mut pages = connection.scan("key:*", 100);
    pages.next().await.unwrap().unwrap();
    redis.stop().await.unwrap();
    let rest = tokio::time::timeout(LONG * 2, pages.collect::<Vec<_>>()).await.unwrap();
    assert!(
        matches!(rest.last(), Some(Err(RedisError::Unreachable(_) | RedisError::Timeout(_)))),
        "{rest:?}"
    );
    assert_eq!(rest.iter().filter(|page| page.is_err()).count(), 1);
}
